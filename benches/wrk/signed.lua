-- Sends deliveries that were signed beforehand: wrk's Lua knows no HMAC. One line a delivery: id, time, signature, body.
local deliveries = {}
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(arguments)
  local nth = 0
  for line in io.lines(arguments[1]) do
    nth = nth + 1
    local id, at, signature, body = line:match("^(%S+)\t(%S+)\t(%S+)\t(.*)$")
    -- Each thread its own: a delivery that comes twice is answered as a duplicate.
    if nth % tonumber(arguments[2]) == number then
      deliveries[#deliveries + 1] = wrk.format("POST", nil, {
        ["Content-Type"] = "application/json",
        ["webhook-id"] = id,
        ["webhook-timestamp"] = at,
        ["webhook-signature"] = signature,
      }, body)
    end
  end
end

local next_one = 0

function request()
  next_one = next_one + 1
  return assert(deliveries[next_one], "sign more deliveries beforehand")
end
