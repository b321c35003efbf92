-- Monthly cohorts with engagement retention
WITH cohort_base AS (
    SELECT 
        DATE_TRUNC('month', c.first_subscription_date) as cohort_month,
        c.customer_id,
        c.company_name
    FROM entity.entity_customers c
    WHERE c.first_subscription_date >= CURRENT_DATE - INTERVAL '12 months'
),
cohort_activity AS (
    SELECT 
        cb.cohort_month,
        cd.date,
        EXTRACT(MONTH FROM AGE(cd.date, cb.cohort_month)) as months_since_start,
        COUNT(DISTINCT cb.customer_id) as cohort_size,
        COUNT(DISTINCT CASE WHEN cd.daily_active_users > 0 THEN cd.customer_id END) as active_customers,
        AVG(cd.customer_health_score) as avg_health_score
    FROM cohort_base cb
    LEFT JOIN entity.entity_customers_daily cd 
        ON cb.customer_id = cd.customer_id
        AND cd.date >= cb.cohort_month
    WHERE cd.date = DATE_TRUNC('month', cd.date) -- Monthly snapshots only
    GROUP BY cb.cohort_month, cd.date
)
SELECT 
    cohort_month,
    months_since_start,
    cohort_size,
    active_customers,
    ROUND(100.0 * active_customers / NULLIF(cohort_size, 0), 1) as retention_rate,
    ROUND(avg_health_score, 1) as avg_health_score
FROM cohort_activity
WHERE months_since_start <= 12
ORDER BY cohort_month DESC, months_since_start;
