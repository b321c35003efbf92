-- High-risk customers with contributing factors
WITH risk_factors AS (
    SELECT 
        c.customer_id,
        c.company_name,
        c.customer_tier,
        c.monthly_recurring_revenue,
        c.churn_risk_score,
        cs.health_trend_30d,
        cs.support_tickets_30d,
        cs.days_since_last_login,
        cs.feature_adoption_rate,
        cs.user_activation_rate,
        -- Risk factor flags
        CASE WHEN cs.health_trend_30d < -10 THEN 1 ELSE 0 END as declining_health,
        CASE WHEN cs.support_tickets_30d > 5 THEN 1 ELSE 0 END as high_support_volume,
        CASE WHEN cs.days_since_last_login > 14 THEN 1 ELSE 0 END as low_engagement,
        CASE WHEN cs.feature_adoption_rate < 0.3 THEN 1 ELSE 0 END as low_adoption,
        CASE WHEN cs.user_activation_rate < 0.5 THEN 1 ELSE 0 END as low_activation
    FROM entity.entity_customers c
    JOIN metrics.customer_success cs ON c.customer_id = cs.customer_id
    WHERE c.churn_risk_score >= 60
      AND c.is_active = true
)
SELECT 
    customer_id,
    company_name,
    customer_tier,
    monthly_recurring_revenue,
    churn_risk_score,
    declining_health + high_support_volume + low_engagement + low_adoption + low_activation as risk_factor_count,
    ARRAY_REMOVE(ARRAY[
        CASE WHEN declining_health = 1 THEN 'Declining Health' END,
        CASE WHEN high_support_volume = 1 THEN 'High Support Volume' END,
        CASE WHEN low_engagement = 1 THEN 'Low Engagement' END,
        CASE WHEN low_adoption = 1 THEN 'Low Feature Adoption' END,
        CASE WHEN low_activation = 1 THEN 'Low User Activation' END
    ], NULL) as risk_factors
FROM risk_factors
ORDER BY churn_risk_score DESC, monthly_recurring_revenue DESC
LIMIT 50;
