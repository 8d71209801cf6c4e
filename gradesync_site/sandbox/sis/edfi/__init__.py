"""A pretend Ed-Fi ODS/API: upserts by natural key, ETags, problem details, one data standard at a time."""
