import { defineScript, type Script } from "./script.ts";

/**
 * KEYS of all of them:
 *
 * - leases: sorted set, member id -> when its lease ends, in milliseconds by the server's clock;
 * - members: hash, member id -> what it said of itself (JSON);
 * - owners: hash, actor -> "fence memberId"; void once that member has no lease;
 * - fence: the greatest fence so far. One for all actors, so that nothing has to be kept of one that is released;
 * - sweep: how far the search for void owners is, while there may be some (see `sweep`).
 */
const prelude = `
local leases, members, owners, greatestFence, sweepState = unpack(KEYS)
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function whole(number) return string.format("%.0f", number) end
local function hasLease(id)
  local ends = redis.call("ZSCORE", leases, id)
  return ends and tonumber(ends) > now
end
-- What a member with a lease said of itself, or false.
local function living(id) return hasLease(id) and redis.call("HGET", members, id) end
-- Fence and member id.
local function parts(record) return string.match(record, "^(%d+) (.*)$") end
local function startSweep()
  local state = redis.call("GET", sweepState)
  -- A round under way may already have passed records that are void now, so another one follows.
  redis.call("SET", sweepState, state and string.match(state, "^%d+") .. "+" or "0")
end
`;

/** ARGV: lease in ms, member id, member. */
export const join: Script = defineScript(`${prelude}
redis.call("HSET", members, ARGV[2], ARGV[3])
redis.call("ZADD", leases, whole(now + ARGV[1]), ARGV[2])
return 1`);

const pageOfSweep = 100;
/**
 * Removes the records of members that are gone, a page at a time: whoever renews its lease does a bit of it, so that no
 * call takes long, however much a member has owned. A server that takes over after a failover does not know the cursor;
 * what that round misses is found by the next one.
 */
const sweep = `
local function sweep()
  local state = redis.call("GET", sweepState)
  if not state then return end
  local cursor, again = string.match(state, "^(%d+)(%+?)$")
  local page = redis.call("HSCAN", owners, cursor, "COUNT", ${pageOfSweep})
  for i = 1, #page[2], 2 do
    local _, id = parts(page[2][i + 1])
    if not hasLease(id) then redis.call("HDEL", owners, page[2][i]) end
  end
  if page[1] ~= "0" then redis.call("SET", sweepState, page[1] .. again)
  elseif again ~= "" then redis.call("SET", sweepState, "0")
  else redis.call("DEL", sweepState) end
end`;

/** ARGV: lease in ms, member ids. Returns the members that have a lease; changes nothing where no ids are given. */
export const renew: Script = defineScript(`${prelude}${sweep}
if #ARGV > 1 then
  for i = 2, #ARGV do
    if hasLease(ARGV[i]) then redis.call("ZADD", leases, whole(now + ARGV[1]), ARGV[i]) end
  end
  local ended = redis.call("ZRANGEBYSCORE", leases, "-inf", whole(now), "LIMIT", 0, 100)
  for _, id in ipairs(ended) do
    redis.call("ZREM", leases, id)
    redis.call("HDEL", members, id)
  end
  if #ended > 0 then startSweep() end
  sweep()
end
local ids = redis.call("ZRANGEBYSCORE", leases, "(" .. whole(now), "+inf")
local found = {}
for first = 1, #ids, 1000 do
  local page = redis.call("HMGET", members, unpack(ids, first, math.min(first + 999, #ids)))
  for _, member in ipairs(page) do
    if member then found[#found + 1] = member end
  end
end
return found`);

/** ARGV: member id. */
export const leave: Script = defineScript(`${prelude}
redis.call("HDEL", members, ARGV[1])
if redis.call("ZREM", leases, ARGV[1]) == 1 then startSweep() end
return 1`);

/**
 * ARGV: actor, member id, the fence to exceed. Returns fence and owner; nil where the member has no lease. A new fence
 * is at least the time in microseconds, so that fences grow even if the server loses its data.
 */
export const claim: Script = defineScript(`${prelude}
local claimant = living(ARGV[2])
if not claimant then return false end
local above = tonumber(ARGV[3])
local fence = math.max(tonumber(redis.call("GET", greatestFence) or 0), above)
local record = redis.call("HGET", owners, ARGV[1])
if record then
  local present, id = parts(record)
  local owner = living(id)
  if owner and (id ~= ARGV[2] or tonumber(present) > above) then return { present, owner } end
  fence = math.max(fence, tonumber(present))
end
fence = whole(math.max(fence + 1, time[1] * 1000000 + time[2]))
redis.call("SET", greatestFence, fence)
redis.call("HSET", owners, ARGV[1], fence .. " " .. ARGV[2])
return { fence, claimant }`);

/** ARGV: actor and fence of each claim. */
export const release: Script = defineScript(`${prelude}
for i = 1, #ARGV, 2 do
  local record = redis.call("HGET", owners, ARGV[i])
  if record and parts(record) == ARGV[i + 1] then redis.call("HDEL", owners, ARGV[i]) end
end
return 1`);

/** ARGV: actor. Returns fence and owner, or nil. */
export const ownerOf: Script = defineScript(`${prelude}
local record = redis.call("HGET", owners, ARGV[1])
if not record then return false end
local fence, id = parts(record)
local owner = living(id)
return owner and { fence, owner }`);
