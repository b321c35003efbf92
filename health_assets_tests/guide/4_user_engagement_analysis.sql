-- User engagement patterns by customer
WITH user_engagement AS (
    SELECT 
        c.customer_id,
        c.company_name,
        c.total_users,
        COUNT(DISTINCT CASE WHEN u.days_since_last_login <= 7 THEN u.user_id END) as wau,
        COUNT(DISTINCT CASE WHEN u.days_since_last_login <= 30 THEN u.user_id END) as mau,
        AVG(u.engagement_score) as avg_engagement_score,
        AVG(u.total_sessions_30d) as avg_sessions_per_user,
        COUNT(DISTINCT CASE WHEN u.user_engagement_tier = 'Power User' THEN u.user_id END) as power_users
    FROM entity.entity_customers c
    JOIN entity.entity_users u ON c.customer_id = u.customer_id
    WHERE c.is_active = true
      AND u.is_active = true
    GROUP BY c.customer_id, c.company_name, c.total_users
)
SELECT 
    customer_id,
    company_name,
    total_users,
    wau,
    mau,
    ROUND(100.0 * wau / NULLIF(total_users, 0), 1) as wau_rate,
    ROUND(100.0 * mau / NULLIF(total_users, 0), 1) as mau_rate,
    ROUND(100.0 * wau / NULLIF(mau, 0), 1) as stickiness_ratio,
    ROUND(avg_engagement_score, 1) as avg_engagement_score,
    ROUND(avg_sessions_per_user, 1) as avg_sessions_per_user,
    power_users,
    ROUND(100.0 * power_users / NULLIF(total_users, 0), 1) as power_user_rate
FROM user_engagement
WHERE total_users > 0
ORDER BY mau_rate DESC;
