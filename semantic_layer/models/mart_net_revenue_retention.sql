{{ config(schema='mart', alias='net_revenue_retention') }}
select * from published.mart.net_revenue_retention
