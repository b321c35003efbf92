{{ config(schema='mart', alias='churn_risk') }}
select * from published.mart.churn_risk
