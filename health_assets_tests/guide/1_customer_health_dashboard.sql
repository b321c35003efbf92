-- Customer health overview with risk segments
WITH health_segments AS (
    SELECT 
        CASE 
            WHEN customer_health_score >= 80 THEN 'Healthy'
            WHEN customer_health_score >= 60 THEN 'Neutral'
            WHEN customer_health_score >= 40 THEN 'At Risk'
            ELSE 'Critical'
        END as health_segment,
        CASE 
            WHEN churn_risk_score >= 70 THEN 'High Risk'
            WHEN churn_risk_score >= 40 THEN 'Medium Risk'
            ELSE 'Low Risk'
        END as churn_segment,
        COUNT(DISTINCT customer_id) as customer_count,
        SUM(monthly_recurring_revenue) as total_mrr,
        AVG(customer_health_score) as avg_health,
        AVG(churn_risk_score) as avg_churn_risk
    FROM entity.entity_customers
    WHERE is_active = true
    GROUP BY health_segment, churn_segment
)
SELECT 
    health_segment,
    churn_segment,
    customer_count,
    total_mrr,
    ROUND(100.0 * customer_count / SUM(customer_count) OVER (), 1) as pct_of_customers,
    ROUND(100.0 * total_mrr / SUM(total_mrr) OVER (), 1) as pct_of_revenue,
    avg_health,
    avg_churn_risk
FROM health_segments
ORDER BY 
    CASE health_segment
        WHEN 'Critical' THEN 1
        WHEN 'At Risk' THEN 2
        WHEN 'Neutral' THEN 3
        WHEN 'Healthy' THEN 4
    END;
