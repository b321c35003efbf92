{{ config(schema='mart', alias='customer_health_daily') }}
select * from published.mart.customer_health_daily
