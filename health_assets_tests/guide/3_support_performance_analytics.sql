-- Support metrics by customer segment
WITH support_metrics AS (
    SELECT 
        c.customer_tier,
        COUNT(DISTINCT c.customer_id) as customer_count,
        SUM(cs.support_tickets_30d) as total_tickets,
        AVG(cs.support_tickets_30d) as avg_tickets_per_customer,
        AVG(cs.ticket_resolution_rate) as avg_resolution_rate,
        AVG(cs.avg_resolution_time_hours) as avg_resolution_hours,
        SUM(CASE WHEN cs.has_escalated_ticket THEN 1 ELSE 0 END) as customers_with_escalations
    FROM entity.entity_customers c
    JOIN metrics.customer_success cs ON c.customer_id = cs.customer_id
    WHERE c.is_active = true
    GROUP BY c.customer_tier
)
SELECT 
    customer_tier,
    customer_count,
    total_tickets,
    ROUND(avg_tickets_per_customer, 2) as avg_tickets_per_customer,
    ROUND(avg_resolution_rate * 100, 1) as resolution_rate_pct,
    ROUND(avg_resolution_hours, 1) as avg_resolution_hours,
    ROUND(100.0 * customers_with_escalations / customer_count, 1) as escalation_rate_pct,
    CASE 
        WHEN avg_resolution_hours <= 4 THEN 'Excellent'
        WHEN avg_resolution_hours <= 8 THEN 'Good'
        WHEN avg_resolution_hours <= 24 THEN 'Acceptable'
        ELSE 'Needs Improvement'
    END as sla_status
FROM support_metrics
ORDER BY 
    CASE customer_tier
        WHEN 'Enterprise' THEN 1
        WHEN 'Mid-Market' THEN 2
        WHEN 'SMB' THEN 3
    END;
