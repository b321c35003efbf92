-- CLV segmentation with health correlation
WITH clv_analysis AS (
    SELECT 
        c.customer_id,
        c.company_name,
        c.customer_health_score,
        c.months_since_first_subscription,
        c.monthly_recurring_revenue,
        c.lifetime_value,
        c.lifetime_value / NULLIF(c.months_since_first_subscription, 0) as monthly_clv_rate,
        cs.expansion_revenue_total,
        cs.contraction_revenue_total,
        (cs.expansion_revenue_total - cs.contraction_revenue_total) as net_expansion
    FROM entity.entity_customers c
    JOIN metrics.customer_success cs ON c.customer_id = cs.customer_id
    WHERE c.is_active = true
      AND c.months_since_first_subscription >= 6
)
SELECT 
    CASE 
        WHEN lifetime_value >= 100000 THEN 'High CLV (>$100k)'
        WHEN lifetime_value >= 50000 THEN 'Medium CLV ($50-100k)'
        WHEN lifetime_value >= 20000 THEN 'Low CLV ($20-50k)'
        ELSE 'Entry CLV (<$20k)'
    END as clv_segment,
    COUNT(DISTINCT customer_id) as customer_count,
    AVG(customer_health_score) as avg_health_score,
    AVG(months_since_first_subscription) as avg_tenure_months,
    AVG(monthly_recurring_revenue) as avg_mrr,
    AVG(lifetime_value) as avg_clv,
    AVG(monthly_clv_rate) as avg_monthly_clv,
    SUM(net_expansion) as total_net_expansion
FROM clv_analysis
GROUP BY clv_segment
ORDER BY avg_clv DESC;
