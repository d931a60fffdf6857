-- Money from fans to creators. It outlives the people: a tip whose giver is deleted stays, without a name, and a creator who was ever
-- given a tip cannot be deleted, nor can the user behind the profile.

create table public.tips (
  id uuid not null default gen_random_uuid(),
  from_user uuid, -- null once the giver has left
  to_creator uuid not null,
  amount numeric not null, -- US dollars
  stripe_txn text, -- null until Stripe has answered
  status text not null default 'pending',
  created_at timestamptz not null default now(),
  constraint tips_pkey primary key (id),
  constraint tips_from_user_fkey foreign key (from_user) references public.users (id) on delete set null,
  constraint tips_to_creator_fkey foreign key (to_creator) references public.creators (id) on delete restrict,
  -- NaN sorts above Infinity, so the second half keeps out both; one of them would spoil every sum for ever.
  constraint tips_amount_check check (amount > 0 and amount < 'Infinity'),
  constraint tips_status_check check (status in ('pending', 'completed', 'failed', 'refunded'))
);

alter table public.tips enable row level security;
revoke all on table public.tips from public, anon, authenticated;
