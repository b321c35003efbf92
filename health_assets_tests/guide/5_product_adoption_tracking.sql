-- Feature adoption and usage intensity
WITH feature_adoption AS (
    SELECT 
        f.feature_name,
        f.feature_category,
        COUNT(DISTINCT c.customer_id) as customers_using,
        AVG(f.adoption_rate) as avg_adoption_rate,
        AVG(f.usage_intensity_score) as avg_usage_intensity,
        AVG(f.retention_impact_score) as avg_retention_impact,
        SUM(c.monthly_recurring_revenue) as mrr_using_feature
    FROM entity.entity_features f
    JOIN entity.entity_customers c ON f.customer_id = c.customer_id
    WHERE c.is_active = true
      AND f.adoption_rate > 0
    GROUP BY f.feature_name, f.feature_category
),
totals AS (
    SELECT 
        COUNT(DISTINCT customer_id) as total_customers,
        SUM(monthly_recurring_revenue) as total_mrr
    FROM entity.entity_customers
    WHERE is_active = true
)
SELECT 
    fa.feature_name,
    fa.feature_category,
    fa.customers_using,
    ROUND(100.0 * fa.customers_using / t.total_customers, 1) as adoption_pct,
    ROUND(fa.avg_adoption_rate * 100, 1) as avg_user_adoption_pct,
    ROUND(fa.avg_usage_intensity, 1) as usage_intensity,
    ROUND(fa.avg_retention_impact, 1) as retention_impact,
    ROUND(100.0 * fa.mrr_using_feature / t.total_mrr, 1) as revenue_coverage_pct
FROM feature_adoption fa
CROSS JOIN totals t
ORDER BY adoption_pct DESC;
