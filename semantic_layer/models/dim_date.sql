{{ config(schema='dim', alias='date') }}
select * from published.dim.date
