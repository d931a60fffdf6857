-- A platform that has been running for a year and a half, to try things on: creators, fans, content, comments, tips, and the views of
-- the last sixty days. Expects freshly migrated, empty tables. No account can sign in: nobody knows a password to the hash.
--
-- Always the same data, only the dates move with the calendar. What looks random is a hash of the row's number; hash partitioning
-- relies on these hashes, so they do not change between versions. An id is the md5 of a name such as `creator:7`.

-- Nothing that others have made in the database is mistaken for what is meant.
set search_path = pg_catalog, pg_temp;

-- Evenly spread over [0, 1): the same for the same number and topic.
create function pg_temp.noise(n bigint, topic integer)
  returns double precision
  language sql
  immutable
as $$
  select (hashint8extended(n, topic) & 9007199254740991) / 9007199254740992.0::double precision
$$;

-- One of a list, by its noise.
create function pg_temp.pick(list text[], at double precision)
  returns text
  language sql
  immutable
as $$
  select list[1 + floor(at * cardinality(list))::integer]
$$;

-- The id of a fan who was already here that many days ago. Fans arrive at a steady pace, see below; low numbers are the oldest.
create function pg_temp.fan(at double precision, days_ago double precision)
  returns uuid
  language sql
  immutable
as $$
  select md5('fan:' || 1 + floor(at * greatest(ceil(401 * (1 - days_ago / 540)) - 1, 1))::integer)::uuid
$$;

create function pg_temp.days_ago(days double precision)
  returns timestamptz
  language sql
  stable
as $$
  select now() - make_interval(secs => days * 86400)
$$;

-- What is published, by genre. In a title %1$s is an adjective, %2$s a noun, %3$s a number.
create temporary table demo_genre (
  genre text,
  medium text,
  tags text[],
  adjectives text[],
  nouns text[],
  titles text[]
);

insert into demo_genre values
  ('folk', 'audio', '{music,folk,acoustic}',
    '{Quiet,Northern,Borrowed,Salt,Winter,Crooked,Copper,Last}',
    '{Harbour,Orchard,Ferry,Letter,Mile,Lantern,River,Promise}',
    '{%1$s %2$s,"Song for the %1$s %2$s","%1$s %2$s (live in the kitchen)","The %2$s sessions, part %3$s"}'),
  ('electronic', 'audio', '{music,electronic,mix}',
    '{Phase,Violet,Hollow,Static,Analog,Lunar,Glass,Slow}',
    '{Engine,Signal,Corridor,Orbit,Garden,Circuit,Tide,Mirror}',
    '{%1$s %2$s,"%1$s %2$s (extended mix)","Night set %3$s: %1$s %2$s","%2$s, unreleased demo"}'),
  ('jazz', 'audio', '{music,jazz,live}',
    '{Blue,Uptown,Second,Smoky,Tuesday,Velvet,Broken,Late}',
    '{Avenue,Ballad,Waltz,Alibi,Bridge,Corner,Umbrella,Standard}',
    '{%1$s %2$s,"%1$s %2$s, take %3$s","%2$s for three","Live at the cellar: %1$s %2$s"}'),
  ('history', 'audio', '{podcast,history,longform}',
    '{Forgotten,Second,Unlikely,Drowned,Paper,Iron,Longest,Stolen}',
    '{Siege,Treaty,Expedition,Canal,Regiment,Census,Lighthouse,Map}',
    '{"Episode %3$s: the %1$s %2$s","The %1$s %2$s","Sources and notes: the %1$s %2$s","Your questions on the %1$s %2$s"}'),
  ('drama', 'audio', '{fiction,drama,series}',
    '{Missing,Seventh,Silent,Burning,Hidden,False,Patient,Empty}',
    '{Passenger,Station,Witness,Door,Inheritance,Frequency,Guest,Winter}',
    '{"Chapter %3$s: the %1$s %2$s","The %1$s %2$s","Behind the microphone: the %1$s %2$s","Trailer: the %1$s %2$s"}'),
  ('miniatures', 'video', '{miniatures,painting,tutorial}',
    '{Napoleonic,Weathered,Tiny,Tin,Winter,Forgotten,Plastic,Royal}',
    '{Grenadier,Drummer,Hussar,Fort,Cannon,Sentry,"Supply Wagon",Lancer}',
    '{"Painting a %1$s %2$s","Diorama diary %3$s: the %1$s %2$s","%1$s %2$s from box to shelf","Five mistakes on a %1$s %2$s"}'),
  ('woodwork', 'video', '{woodwork,craft,howto}',
    '{Simple,Walnut,Folding,Curved,Ash,Tiny,Reclaimed,Hand-cut}',
    '{Stool,Toolbox,Bookcase,Workbench,Ladder,Cradle,Mallet,Drawer}',
    '{"A %1$s %2$s in a weekend","%1$s %2$s, part %3$s","Fixing my %1$s %2$s","Plans and cut list: %1$s %2$s"}'),
  ('animation', 'video', '{animation,shortfilm,stopmotion}',
    '{Clockwork,Lonely,Paper,Wandering,Little,Wooden,Stubborn,Upside-down}',
    '{Soldier,Fox,Postman,Moon,Robot,Tailor,Whale,Astronaut}',
    '{"The %1$s %2$s","The %1$s %2$s, scene %3$s","Making of the %1$s %2$s","Storyboard: the %1$s %2$s"}'),
  ('travel', 'video', '{travel,documentary,slowtv}',
    '{Slow,Empty,High,Coastal,Wrong,Frozen,Narrow,Eastern}',
    '{Railway,Pass,Island,Market,Border,Canal,Ferry,Village}',
    '{"The %1$s %2$s","Day %3$s: a %1$s %2$s","One hour on the %1$s %2$s","Packing for a %1$s %2$s"}');

-- The first of the list is the most popular. The last joined a few days ago and has published nothing yet.
create temporary table demo_creator as
select
  n,
  md5('creator:' || n)::uuid as id,
  md5('creator-user:' || n)::uuid as user_id,
  handle,
  genre,
  bio,
  case when n = 36 then 4 else 540 - 6 * n end - pg_temp.noise(n, 3) as age, -- days since they joined
  case when n = 36 then 0 else 6 + floor(48 / n ^ 0.6)::integer end as items,
  n ^ -0.9 as popularity
from unnest(
  array[
    'marble.regiment', 'saltlight', 'the.long.siege', 'clockwork.fox', 'nightcircuit', 'ash.and.walnut',
    'station.seven', 'velvet.umbrella', 'slow.railways', 'tin.drummer', 'northern.orchard', 'paper.moons',
    'glass.engine', 'maps.and.mutiny', 'the.patient.guest', 'cellar.trio', 'borrowed.mile', 'one.good.stool',
    'brush.and.bayonet', 'wrong.border', 'lunar.garden', 'stubborn.whale', 'census.of.ghosts', 'frequency.nine',
    'tuesday.waltz', 'copper.ferry', 'hand.cut', 'island.hours', 'shelf.of.hussars', 'static.tide',
    'wooden.astronaut', 'treaty.room', 'empty.door', 'second.avenue', 'kitchen.harbour', 'new.recruit'
  ],
  array[
    'miniatures', 'folk', 'history', 'animation', 'electronic', 'woodwork',
    'drama', 'jazz', 'travel', 'miniatures', 'folk', 'animation',
    'electronic', 'history', 'drama', 'jazz', 'folk', 'woodwork',
    'miniatures', 'travel', 'electronic', 'animation', 'history', 'drama',
    'jazz', 'folk', 'woodwork', 'travel', 'miniatures', 'electronic',
    'animation', 'history', 'drama', 'jazz', 'folk', 'miniatures'
  ],
  array[
    'Whole armies, 28 millimetres tall.', 'Songs from a house by the sea.', 'One siege a season, told properly.',
    'Stop motion with brass and fur.', 'Modular synths after midnight.', 'Furniture with hand tools, slowly.',
    'An audio drama in too many chapters.', 'Three people, one microphone.', 'The train is late and that is the point.',
    'Tin soldiers, restored.', 'Fiddle, guitar, dog.', 'Films cut out of paper.',
    'Ambient music for long builds.', 'Cartographers behaving badly.', 'Ghost stories without ghosts.',
    'Recorded every Thursday, mistakes included.', 'Walking songs.', 'Everything I know about chairs.',
    'Painting guides for tired hands.', 'Travels through a misread map.', 'Soft electronics.',
    'A whale, a bathtub, a film.', 'Names from old registers.', 'Found recordings that were never lost.',
    'Waltzes, mostly.', 'Ballads of the river trade.', 'No screws.', 'An hour at a time on small islands.',
    'Cavalry only.', 'Tape loops and weather.', 'Space, whittled.', 'Diplomacy, read aloud.', 'Radio plays for two voices.',
    'Standards, bent.', 'Home recordings.', null
  ]
) with ordinality as creator (handle, genre, bio, n);

insert into public.users (id, email, password_hash, role, created_at, updated_at)
select
  account.id,
  account.email,
  '$2a$12$ToySoldiers.demo.data.nobody/knows/a/password/for/it.', -- well-formed, made up
  account.role,
  pg_temp.days_ago(account.age),
  pg_temp.days_ago(account.age * account.since)
from (
  select
    md5('admin:' || name)::uuid,
    name || '@example.com',
    'admin',
    545.0,
    0.2
  from unnest(array['operations', 'support']) as name

  union all

  select
    user_id,
    handle || '@example.com',
    'creator',
    age,
    pg_temp.noise(n, 1)
  from demo_creator

  union all

  select
    md5('fan:' || n)::uuid,
    pg_temp.pick(
      '{ada,amir,anna,ben,chloe,diego,elif,emma,felix,grace,hana,ines,ivan,jonas,kofi,lena,mateo,nadia,omar,priya}',
      (n % 20) / 20.0 + 0.01
    ) || '.' || pg_temp.pick(
      '{abbott,baker,castro,diaz,eriksen,fischer,garcia,haddad,ito,jensen,keller,lopez,mbeki,novak,okafor,petrov,quinn,rossi,silva,tanaka}',
      (n / 20 % 20) / 20.0 + 0.01
    ) || '@example.com',
    'fan',
    540 * (1 - n / 401.0),
    pg_temp.noise(n, 2)
  from generate_series(1, 400) as n
) as account (id, email, role, age, since);

insert into public.creators (id, user_id, payout_account, bio, tiers, verified)
select
  id,
  user_id,
  case when n not in (12, 24, 31, 36) then 'acct_' || substr(md5('payout:' || n), 1, 16) end,
  bio,
  case
    when n % 7 = 0 or n = 36 then '[]'
    else jsonb_build_array(
      jsonb_build_object('name', 'Recruit', 'price', 2 + n % 3, 'perks', jsonb_build_array('early access')),
      jsonb_build_object('name', 'Sergeant', 'price', 6 + n % 4, 'perks', jsonb_build_array('early access', 'monthly call')),
      jsonb_build_object('name', 'Captain', 'price', 15 + 5 * (n % 3), 'perks', jsonb_build_array('everything', 'your name in the credits'))
    )
  end,
  n % 6 <> 0
from demo_creator;

-- Made once for the content and everything that hangs on it. popularity is that of the creator times that of the item.
create temporary table demo_content as
select
  item.n,
  md5('content:' || item.n)::uuid as id,
  item.creator,
  item.number,
  item.genre,
  item.medium,
  item.age, -- days since it came out
  case
    when item.age < 2 or pg_temp.noise(item.n, 10) < 0.82 then 'public'
    when pg_temp.noise(item.n, 10) < 0.92 then 'unlisted'
    else 'private'
  end as visibility,
  case item.medium
    when 'audio' then 150 + floor(3000 * pg_temp.noise(item.n, 11) ^ 2)::integer
    else 90 + floor(2100 * pg_temp.noise(item.n, 11) ^ 1.5)::integer
  end as duration,
  item.popularity * (0.05 + pg_temp.noise(item.n, 12)) ^ -0.8 as popularity
from (
  select
    row_number() over (order by demo_creator.n, number) as n,
    demo_creator.n as creator,
    number,
    demo_creator.genre,
    case when number % 9 = 5 then 'video' else demo_genre.medium end as medium, -- even a podcast films something now and then
    (number - pg_temp.noise(1000 * demo_creator.n + number, 13)) / demo_creator.items * least(demo_creator.age, 480) as age,
    demo_creator.popularity
  from demo_creator
  join demo_genre using (genre)
  cross join lateral generate_series(1, demo_creator.items) as number
) as item;

insert into public.content (
  id, creator_id, title, description, media_url, stream_url, thumbnail_url, tags, visibility, duration, file_size, created_at, updated_at
)
select
  item.id,
  demo_creator.id,
  format(
    pg_temp.pick(demo_genre.titles, pg_temp.noise(item.n, 20)),
    pg_temp.pick(demo_genre.adjectives, pg_temp.noise(item.n, 21)),
    pg_temp.pick(demo_genre.nouns, pg_temp.noise(item.n, 22)),
    demo_creator.items + 1 - item.number
  ),
  pg_temp.pick(
    array[
      'Recorded in one afternoon, edited in six.',
      'Made possible by everyone who tips. Thank you.',
      'The second attempt. The first one is in the bin.',
      'Notes and links for supporters.',
      'Headphones recommended.',
      null
    ],
    pg_temp.noise(item.n, 23)
  ),
  format('https://media.example.com/%s/original.%s', item.id, case item.medium when 'audio' then 'flac' else 'mp4' end),
  format('https://stream.example.com/%s/index.m3u8', item.id),
  format('https://images.example.com/%s/cover.jpg', item.id),
  array[item.medium] || demo_genre.tags[1:1 + floor(3 * pg_temp.noise(item.n, 24))::integer],
  item.visibility,
  item.duration,
  (item.duration * (0.8 + 0.4 * pg_temp.noise(item.n, 25)) * case item.medium when 'audio' then 110000 else 1100000 end)::bigint,
  pg_temp.days_ago(item.age),
  pg_temp.days_ago(item.age * (1 - pg_temp.noise(item.n, 26) ^ 3))
from demo_content as item
join demo_creator on demo_creator.n = item.creator
join demo_genre on demo_genre.genre = item.genre;

-- A thousand comments, three hundred and fifty answers, and a hundred and fifty answers to those. Every third answer is the creator's.
insert into public.comments (id, content_id, user_id, parent_id, text, created_at)
select
  md5('comment:' || n)::uuid,
  item.id,
  pg_temp.fan(pg_temp.noise(n, 30) ^ 2, item.age * later.share),
  null,
  pg_temp.pick(
    array[
      'This made my commute bearable.', 'The ending!', 'How did you do the part at the start?', 'Instant favourite.',
      'I have waited for this since the last one.', 'Could listen to this for hours.', 'More of this, please.', 'My kids ask for it every evening.',
      'Sound is a little quiet on my phone.', 'Best one yet.', 'Not my favourite, but I respect it.', 'Tipped. Keep going.',
      'Which brushes are those?', 'Can we have a longer cut?', 'I came from the newsletter and stayed.', 'Third time today.',
      'You can hear the rain in the background, lovely.', 'First!', 'This deserves more views.', 'Shared with the whole club.',
      'Small correction: it was in the spring.', 'Goosebumps.', 'Is there a version without the talking?', 'Thank you for this.'
    ],
    pg_temp.noise(n, 31)
  ),
  pg_temp.days_ago(item.age * later.share)
from generate_series(1, 1000) as n
cross join (
  select
    array_agg(reach order by number) as reaches,
    array_agg(id order by number) as ids,
    array_agg(age order by number) as ages
  from (
    select
      row_number() over (order by n) as number,
      sum(popularity) over (order by n) / sum(popularity) over () as reach,
      id,
      age
    from demo_content
    where visibility <> 'private'
  ) as reachable
) as shelf
cross join lateral (select 1 + width_bucket(pg_temp.noise(n, 32), shelf.reaches) as number) as spot
cross join lateral (select shelf.ids[spot.number] as id, shelf.ages[spot.number] as age) as item
cross join lateral (select 0.05 + 0.9 * pg_temp.noise(n, 33) ^ 0.4 as share) as later;

insert into public.comments (id, content_id, user_id, parent_id, text, created_at)
with recursive answer as (
  select
    n,
    case when n <= 1350 then 1 + floor(1000 * pg_temp.noise(n, 40)) else 1001 + floor(350 * pg_temp.noise(n, 40)) end::integer as parent,
    0.1 + 0.85 * pg_temp.noise(n, 41) ^ 0.3 as share
  from generate_series(1001, 1500) as n
), thread as (
  select
    answer.n,
    comments.id as parent_id,
    comments.content_id,
    extract(epoch from now() - comments.created_at) / 86400 * answer.share as age
  from answer
  join public.comments on comments.id = md5('comment:' || answer.parent)::uuid

  union all

  select
    answer.n,
    md5('comment:' || thread.n)::uuid,
    thread.content_id,
    thread.age * answer.share
  from thread
  join answer on answer.parent = thread.n
)
select
  md5('comment:' || thread.n)::uuid,
  thread.content_id,
  case when thread.n % 3 = 0 then creators.user_id else pg_temp.fan(pg_temp.noise(thread.n, 42), thread.age) end,
  thread.parent_id,
  case
    when thread.n % 3 = 0 then pg_temp.pick(
      array[
        'Thank you, that means a lot.', 'Good idea, I will try it next time.', 'Fixed, thanks for telling me.', 'Next week, I promise.',
        'Just an old toothbrush, honestly.', 'You have a sharp ear.'
      ],
      pg_temp.noise(thread.n, 43)
    )
    else pg_temp.pick(
      array[
        'Same here.', 'I thought I was the only one.', 'Agreed!', 'I hear it differently, but fair enough.', 'Where did you read that?',
        'It is in the description.', 'Seconded.', 'That part is the best.', 'Came to say exactly this.', 'Ha!'
      ],
      pg_temp.noise(thread.n, 43)
    )
  end,
  pg_temp.days_ago(thread.age)
from thread
join public.content on content.id = thread.content_id
join public.creators on creators.id = content.creator_id;

-- Half a year of tips, more of them lately. A pending tip is hours old; a giver now and then has since left.
insert into public.tips (id, from_user, to_creator, amount, stripe_txn, status, created_at)
select
  md5('tip:' || tip.n)::uuid,
  case when tip.n % 150 <> 0 then pg_temp.fan(pg_temp.noise(tip.n, 50) ^ 2, tip.age) end,
  md5('creator:' || shelf.numbers[1 + width_bucket(pg_temp.noise(tip.n, 51), shelf.reaches)])::uuid,
  tip.amount,
  case when tip.status <> 'pending' then 'pi_' || substr(md5('charge:' || tip.n), 1, 24) end,
  tip.status,
  pg_temp.days_ago(tip.age)
from (
  select
    n,
    case when n > 2950 then 0.01 + 0.9 * pg_temp.noise(n, 52) else 1 + 179 * pg_temp.noise(n, 52) ^ 1.4 end as age,
    case
      when n > 2950 then 'pending'
      when pg_temp.noise(n, 53) < 0.91 then 'completed'
      when pg_temp.noise(n, 53) < 0.97 then 'failed'
      else 'refunded'
    end as status,
    pg_temp.pick('{1,2,2,3,3,3,5,5,5,5,7,10,10,10,15,20,25,50,100}', pg_temp.noise(n, 54))::numeric
      + pg_temp.pick('{0.00,0.00,0.00,0.50,0.75,0.99}', pg_temp.noise(n, 55))::numeric as amount
  from generate_series(1, 3000) as n
) as tip
cross join (
  select
    array_agg(n order by n) as numbers,
    array_agg(reach order by n) as reaches
  from (
    select
      n,
      sum(popularity) over (order by n) / sum(popularity) over () as reach
    from demo_creator
    where n not in (12, 24, 31, 36) -- without a payout account
  ) as payable
) as shelf;

-- Sixty days of views: growing, high at weekends, and falling off as an item ages. Only what was out that day was watched.
insert into public.analytics_views (date, user_id, content_id, view_count, duration, device_type, referrer)
select
  current_date - visit.day,
  case when visit.views <= 3 and pg_temp.noise(visit.n, 60) < 0.6 then pg_temp.fan(pg_temp.noise(visit.n, 61) ^ 2, visit.day + 1) end,
  visit.id,
  visit.views,
  round((visit.views * visit.duration * (0.15 + 0.75 * pg_temp.noise(visit.n, 62)))::numeric, 1),
  visit.device,
  pg_temp.pick(
    array['google.com', 'google.com', 'reddit.com', 'youtube.com', 'newsletter', 'duckduckgo.com', null, null, null, null],
    pg_temp.noise(visit.n, 63)
  )
from (
  select
    ((item.n * 60 + day) * 4 + device.n) as n,
    item.id,
    item.duration,
    day,
    device.name as device,
    floor(
      14 * item.popularity * device.share
      * (0.25 + 1 / (1 + (item.age - day) / 15)) -- new things are watched most
      * (1.5 - day / 75.0)
      * (array[0.85, 0.8, 0.85, 0.95, 1.15, 1.4, 1.3])[1 + (62 - day) % 7] -- as if today were a Sunday, so that there are as many on every day
      * case item.visibility when 'public' then 1 else 0.1 end
      * (0.6 + 0.8 * pg_temp.noise((item.n * 60 + day) * 4 + device.n, 64))
      + pg_temp.noise((item.n * 60 + day) * 4 + device.n, 65)
    )::integer as views
  from demo_content as item
  cross join generate_series(0, 59) as day
  cross join (values (0, 'mobile', 0.55), (1, 'desktop', 0.28), (2, 'tv', 0.1), (3, 'tablet', 0.07)) as device (n, name, share)
  where item.visibility <> 'private'
    and item.age > day + 1
) as visit
where visit.views > 0
order by visit.day desc, visit.n;

drop table demo_content, demo_creator, demo_genre;
drop function pg_temp.days_ago(double precision), pg_temp.fan(double precision, double precision);
drop function pg_temp.pick(text[], double precision), pg_temp.noise(bigint, integer);

analyze public.users, public.creators, public.content, public.comments, public.tips, public.analytics_views;
