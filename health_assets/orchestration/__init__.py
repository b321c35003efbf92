"""What Dagster needs: assets, checks, resources, partitions, jobs, schedules, sensors and the instance. No business logic."""
