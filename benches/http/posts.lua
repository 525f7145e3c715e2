-- Sends the posts of a file, one after the other and then from the first again. A line is the
-- timestamp, the nonce, the signature and the body, between tabs.

local requests = {}
local sent = 0

function init(arguments)
  for line in io.lines(arguments[1]) do
    local timestamp, nonce, signature, body = line:match("^(%S+)\t(%S+)\t(%S+)\t(.+)$")
    requests[#requests + 1] = wrk.format("POST", nil, {
      ["Content-Type"] = "application/json",
      ["X-Lark-Request-Timestamp"] = timestamp,
      ["X-Lark-Request-Nonce"] = nonce,
      ["X-Lark-Signature"] = signature,
    }, body)
  end
end

function request()
  sent = sent + 1
  return requests[(sent - 1) % #requests + 1]
end
