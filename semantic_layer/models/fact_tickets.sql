{{ config(schema='fact', alias='tickets') }}
select * from published.fact.tickets
