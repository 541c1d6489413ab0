-- wrk's script: sends the calls of a file one after the other, and says at the end, as JSON, how it went.
--
--     wrk -s wrk.lua http://127.0.0.1:8080 -- calls.tsv
--
-- Each line of the file is a method, a URL and a body, with tabs between them.

local calls = {}
local at = 0

function init(args)
  for line in io.lines(args[1]) do
    local method, url, body = line:match("^([^\t]*)\t([^\t]*)\t(.*)$")
    local headers = { host = "localhost" }
    if body == "" then
      body = nil
    else
      headers["content-type"] = "application/json"
    end
    calls[#calls + 1] = wrk.format(method, url, headers, body)
  end
end

function request()
  at = at % #calls + 1
  return calls[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{ "requests": %d, "microseconds": %d, "bytes": %d, "errors": %d, "p50": %d, "p99": %d }\n',
    summary.requests, summary.duration, summary.bytes,
    errors.connect + errors.read + errors.write + errors.status,
    latency:percentile(50), latency:percentile(99)))
end
