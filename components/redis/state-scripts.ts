import { defineScript, type Script } from "./script.ts";

/** Arguments per key of the script below. */
export const argumentsPerChange = 5;

/**
 * Applies changes to the hashes that Dapr keeps, all of them or none. KEYS: one per change. ARGV, five per
 * change: "put" or "delete", etag ("0" for none), data, "1" for first-write, seconds to live (0 and below end
 * an expiry, "" leaves it). Returns 0, or the number of the first change that is refused.
 *
 * Every change is checked, with what the ones before it would leave, before the first is applied: Redis does
 * not roll back.
 */
const changes = `
local known = {}
for i, key in ipairs(KEYS) do
  local a = (i - 1) * ${argumentsPerChange}
  local etag = ARGV[a + 2]
  local entry = known[key]
  if not entry then
    local found = redis.pcall("HMGET", key, "version", "first-write")
    if found.err then entry = { foreign = true }
    else entry = { version = found[1], guarded = found[2] } end
    if entry.version and entry.version ~= "" and not string.match(entry.version, "^%-?%d+$") then
      return redis.error_reply("ERR the version field of " .. key .. " is not a number")
    end
    known[key] = entry
  end
  local free = not entry.version or entry.version == "" or entry.version == etag
  if ARGV[a + 1] == "delete" then
    if not free and etag ~= "0" then return i end
    entry.version = false
    entry.guarded = false
  else
    if not free and (entry.guarded or etag ~= "0") then return i end
    entry.version = string.format("%.0f", (tonumber(entry.version or "0") or 0) + 1)
    if ARGV[a + 4] == "1" then entry.guarded = "0" end
  end
end
for i, key in ipairs(KEYS) do
  local a = (i - 1) * ${argumentsPerChange}
  if ARGV[a + 1] == "delete" then
    redis.call("DEL", key)
  else
    if known[key].foreign then redis.call("DEL", key) end
    redis.call("HSET", key, "data", ARGV[a + 3])
    if ARGV[a + 4] == "1" then redis.call("HSET", key, "first-write", 0) end
    redis.call("HINCRBY", key, "version", 1)
    local ttl = tonumber(ARGV[a + 5])
    if ttl and ttl > 0 then redis.call("EXPIRE", key, ARGV[a + 5])
    elseif ttl then redis.call("PERSIST", key) end
  end
  known[key].foreign = false
end
return 0`;

export const applyChanges: Script = defineScript(changes);

/** What the script below returns where a greater fence is known. */
export const fencedOut = -1;
const fenceSeconds = 24 * 60 * 60;

/**
 * The same behind a fence: its key is the last of KEYS, its number the last of ARGV. In one script, so that nothing can
 * come between the comparison and the writes. Without changes it only makes the fence known.
 */
export const applyFencedChanges: Script = defineScript(`
local fenceKey, fence = table.remove(KEYS), table.remove(ARGV)
local greatest = redis.call("GET", fenceKey)
if greatest and tonumber(greatest) > tonumber(fence) then return ${fencedOut} end
redis.call("SET", fenceKey, fence, "EX", ${fenceSeconds})
${changes}`);
