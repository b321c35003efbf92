{{ config(schema='dim', alias='account') }}
select * from published.dim.account
