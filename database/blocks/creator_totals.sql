(
    -- What the view dashboard_creator says, asked of the tables: a view of that name may be anybody's, and reading it
    -- would run what its owner wrote. Each total is summed on its own, for the creator at hand.
    select
        creators.id as creator_id,
        published.total_content,
        watched.total_views,
        watched.total_watch_time,
        given.total_tips,
        said.total_comments
    from public.creators
    cross join lateral (
        select count(*) as total_content
        from public.content
        where content.creator_id = creators.id
    ) as published
    cross join lateral (
        select
            coalesce(sum(analytics_views.view_count), 0) as total_views,
            coalesce(sum(analytics_views.duration), 0) as total_watch_time
        from public.content
        join public.analytics_views on analytics_views.content_id = content.id
        where content.creator_id = creators.id
    ) as watched
    cross join lateral (
        select coalesce(sum(tips.amount), 0) as total_tips
        from public.tips
        where tips.to_creator = creators.id
          and tips.status = 'completed'
    ) as given
    cross join lateral (
        select count(*) as total_comments
        from public.content
        join public.comments on comments.content_id = content.id
        where content.creator_id = creators.id
    ) as said
)
