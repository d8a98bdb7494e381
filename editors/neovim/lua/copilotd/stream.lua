--- Requests whose answers are streamed.
local M = {}

local client = require('copilotd.client')

---@alias copilotd.DeltaHandler fun(delta: string, part: table)

local handlers = {} ---@type table<string, copilotd.DeltaHandler> by token
local count = 0

--- Sends a request and streams its answer. `on_answer` is called at the end, unless the request is
--- cancelled first.
---@param server vim.lsp.Client
---@param method string
---@param params table
---@param on_delta copilotd.DeltaHandler gets the text, or '' if the part is about a tool call
---@param on_answer fun(error: lsp.ResponseError?, result: any)
---@return fun() cancel
function M.request(server, method, params, on_delta, on_answer)
  count = count + 1
  local token = 'copilotd-' .. count
  handlers[token] = on_delta
  params = vim.tbl_extend('force', params, { partialResultToken = token })
  local cancel = client.request(server, 0, method, params, function(...)
    handlers[token] = nil
    on_answer(...)
  end)
  return function()
    handlers[token] = nil
    cancel()
  end
end

--- Handles `$/progress`: a part of an answer, or a progress bar, which Neovim handles itself.
function M.handle_progress(error, params, context)
  local token = params and params.token
  if type(token) == 'string' and vim.startswith(token, 'copilotd-') then
    if handlers[token] then
      handlers[token](params.value.delta or '', params.value)
    end
    return vim.NIL
  end
  return vim.lsp.handlers['$/progress'](error, params, context)
end

return M
