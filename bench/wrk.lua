-- wrk … -s wrk.lua URL -- FILE: asks for the paths in the file one after the other, again and again, and ends
-- with a line of what wrk found. A single path is left to wrk, which then need not ask for each request.
local percentiles = { 1, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.99 }

function init(args)
  local requests, at = {}, 0
  for path in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format(nil, path)
  end
  if #requests > 1 then
    request = function()
      at = at % #requests + 1
      return requests[at]
    end
  end
end

function done(summary, latency)
  local points, e = {}, summary.errors
  for i, p in ipairs(percentiles) do
    points[i] = string.format("[%g,%g]", p, latency:percentile(p) / 1000)
  end
  io.write(string.format('summary {"requests":%d,"failed":%d,"latency_ms":[%s]}\n', summary.requests,
    e.status + e.connect + e.read + e.write + e.timeout, table.concat(points, ",")))
end
