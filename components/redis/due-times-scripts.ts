import { defineScript, type Script } from "./script.ts";

/**
 * KEYS, four for each queue. Entries go by their encoded key (`_shared/due-key.ts`).
 *
 * - due: sorted set, key -> when it is due or its claim ends, in milliseconds;
 * - names: sorted set, all of score 0: the keys in the order of their bytes;
 * - entries: hash, key -> "dueAt data";
 * - claims: hash, key -> claim, of those that are held.
 *
 * What may need memory comes first, so that a full server refuses all of a change.
 */
const prelude = `
local due, names, entries, claims = unpack(KEYS)
local function remove(key)
  redis.call("HDEL", claims, key)
  redis.call("ZREM", due, key)
  redis.call("ZREM", names, key)
  return redis.call("HDEL", entries, key)
end
local function put(key, at, value)
  redis.call("HSET", entries, key, value)
  redis.call("ZADD", due, at, key)
  redis.call("ZADD", names, 0, key)
  redis.call("HDEL", claims, key)
end
`;

/** ARGV: key, when it is due, value, "1" to replace. */
export const put: Script = defineScript(`${prelude}
if ARGV[4] ~= "1" and redis.call("HEXISTS", entries, ARGV[1]) == 1 then return 0 end
put(ARGV[1], ARGV[2], ARGV[3])
return 1`);

/** ARGV: key, value, when it is due next, the value then. */
export const reschedule: Script = defineScript(`${prelude}
if redis.call("HEXISTS", claims, ARGV[1]) == 1 then return 0 end
if redis.call("HGET", entries, ARGV[1]) ~= ARGV[2] then return 0 end
put(ARGV[1], ARGV[3], ARGV[4])
return 1`);

/** ARGV: key. */
export const remove: Script = defineScript(`${prelude}
return remove(ARGV[1])`);

/** ARGV, four for each completion: key, claim, when it is due next ("" for never), value. Returns 1 or 0 for each. */
export const complete: Script = defineScript(`${prelude}
local results = {}
for i = 1, #ARGV, 4 do
  local key, isHeld = ARGV[i], redis.call("HGET", claims, ARGV[i]) == ARGV[i + 1]
  if isHeld and ARGV[i + 2] ~= "" then put(key, ARGV[i + 2], ARGV[i + 3])
  elseif isHeld then remove(key) end
  results[#results + 1] = isHeld and 1 or 0
end
return results`);

/** ARGV: until when, then key and claim of each entry. Returns 1 or 0 for each. */
export const hold: Script = defineScript(`${prelude}
local results = {}
for i = 2, #ARGV, 2 do
  local isHeld = redis.call("HGET", claims, ARGV[i]) == ARGV[i + 1]
  if isHeld then redis.call("ZADD", due, ARGV[1], ARGV[i]) end
  results[#results + 1] = isHeld and 1 or 0
end
return results`);

/** Bytes of values after which a script returns what it has; its caller asks for the rest. */
const mostBytes = 16 * 1024 * 1024;

/**
 * KEYS: those of any number of queues. ARGV: now, limit, until when they are held, a text that makes claims unique.
 * Returns when the next one is due (nil for never), and number of the queue, key and value of each entry; the claim of
 * the nth entry is "text:n".
 *
 * Merges the queues by the heads of their sorted sets. Entries are read by rank, a few at once, and moved at the end.
 */
export const claim: Script = defineScript(`
local now, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
local queues = {}
local function advance(queue)
  if queue.next > #queue.page then
    queue.page = redis.call("ZRANGE", queue.due, queue.rank, queue.rank + 31, "WITHSCORES")
    queue.rank, queue.next = queue.rank + 32, 1
  end
  queue.key, queue.at = queue.page[queue.next], tonumber(queue.page[queue.next + 1])
  queue.next = queue.next + 2
end
for i = 1, #KEYS, 4 do
  local queue = {
    due = KEYS[i], entries = KEYS[i + 2], claims = KEYS[i + 3],
    page = {}, next = 1, rank = 0, times = {}, held = {}, lost = {},
  }
  advance(queue)
  queues[#queues + 1] = queue
end

local reply, taken, bytes = { false }, 0, 0
while taken < limit and bytes < ${mostBytes} do
  local first
  for number, queue in ipairs(queues) do
    if queue.key and queue.at <= now and (not first or queue.at < queues[first].at) then
      first = number
    end
  end
  if not first then break end
  local queue = queues[first]
  local key = queue.key
  local value = redis.call("HGET", queue.entries, key)
  if value then
    taken, bytes = taken + 1, bytes + #value
    local times, held, at = queue.times, queue.held, #reply
    times[#times + 1], times[#times + 2] = ARGV[3], key
    held[#held + 1], held[#held + 2] = key, ARGV[4] .. ":" .. taken
    reply[at + 1], reply[at + 2], reply[at + 3] = first, key, value
  else
    queue.lost[#queue.lost + 1] = key
  end
  advance(queue)
end

local nextAt
for _, queue in ipairs(queues) do
  for i = 1, #queue.times, 1000 do
    local last = math.min(i + 999, #queue.times)
    redis.call("ZADD", queue.due, unpack(queue.times, i, last))
    redis.call("HSET", queue.claims, unpack(queue.held, i, last))
  end
  for _, key in ipairs(queue.lost) do redis.call("ZREM", queue.due, key) end
  local at = redis.call("ZRANGE", queue.due, 0, 0, "WITHSCORES")[2]
  if at and (not nextAt or tonumber(at) < tonumber(nextAt)) then nextAt = at end
end
reply[1] = nextAt or false
return reply`);

/**
 * ARGV: mode, low, after, prefix, limit. Returns keys, and where to go on (the next `low`), which is false at the end.
 *
 * - "range": the keys that start with low.
 * - "owners": from the owner low on, the keys whose name starts with the prefix. The index is by owner first, so each
 *   owner costs a look.
 *
 * In both, only those behind `after`, where there is one.
 */
const select = `
local mode, low, after, prefix, limit = unpack(ARGV)
limit = tonumber(limit)
local function ownerOf(key) return string.match(key, "^[^%z]*") end
local function page(start, isAfter, most)
  -- No byte of UTF-8 is 255.
  local min, max = isAfter and "(" .. after or "[" .. start, "(" .. start .. "\\255"
  return redis.call("ZRANGEBYLEX", names, min, max, "LIMIT", 0, most)
end
local function selectKeys()
  if mode == "range" then
    local keys = page(low, after ~= "", limit)
    return keys, #keys == limit and low
  end
  local keys, from = {}, low
  for _ = 1, 1000 do
    local head = redis.call("ZRANGEBYLEX", names, "[" .. from, "+", "LIMIT", 0, 1)[1]
    if not head then return keys, false end
    local owner = ownerOf(head)
    local isAfter = after ~= "" and ownerOf(after) == owner
    local found = page(owner .. "\\0" .. prefix, isAfter, limit - #keys)
    for _, key in ipairs(found) do keys[#keys + 1] = key end
    if #keys == limit then return keys, owner end
    -- Behind all keys of this owner, whose next byte is 0.
    from = owner .. "\\1"
  end
  return keys, from
end
`;

/** Returns where to go on, and key and value of each entry. */
export const list: Script = defineScript(`${prelude}${select}
local keys, more = selectKeys()
local reply, bytes = { more }, 0
for i, key in ipairs(keys) do
  local value = redis.call("HGET", entries, key)
  reply[2 * i], reply[2 * i + 1] = key, value
  bytes = bytes + (value and #value or 0)
  if bytes >= ${mostBytes} and i < #keys then
    reply[1] = mode == "range" and low or ownerOf(key)
    break
  end
end
return reply`);

/** Returns where to go on. */
export const removeSelected: Script = defineScript(`${prelude}${select}
local keys, more = selectKeys()
for _, key in ipairs(keys) do remove(key) end
return more`);
