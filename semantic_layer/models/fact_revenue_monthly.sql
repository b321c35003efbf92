{{ config(schema='fact', alias='revenue_monthly') }}
select * from published.fact.revenue_monthly
