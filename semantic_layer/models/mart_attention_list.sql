{{ config(schema='mart', alias='attention_list') }}
select * from published.mart.attention_list
