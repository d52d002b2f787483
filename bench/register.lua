-- wrk … -s register.lua URL -- PRODUCT_KEY FIRST: each request registers another device, from a MAC's number on, and
-- the run ends with a line of what wrk found.
local key, number

function init(args)
  key, number = args[1], tonumber(args[2])
end

function request()
  number = number + 1
  return wrk.format("POST", "/dev/devices", nil,
    string.format("passcode=123456&mac=%012x&product_key=%s", number, key))
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format('summary {"requests":%d,"failed":%d,"p50_ms":%g,"p99_ms":%g}\n', summary.requests,
    e.status + e.connect + e.read + e.write + e.timeout, latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
