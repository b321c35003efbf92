{{ config(schema='mart', alias='customer_health') }}
select * from published.mart.customer_health
