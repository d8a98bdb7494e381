--- Answers that come in pieces.
local M = {}

local client = require('copilotd.client')

local readers = {} ---@type table<string, fun(delta: string, part: table)>
local count = 0

--- Sends a request whose answer comes in pieces. `answered` is called at the end, unless it is
--- cancelled before.
---@param server vim.lsp.Client
---@param method string
---@param params table
---@param piece fun(delta: string, part: table) a piece of text, or '' for what a tool does
---@param answered fun(error: lsp.ResponseError?, result: any)
---@return fun() cancel
function M.request(server, method, params, piece, answered)
  count = count + 1
  local token = 'copilotd-' .. count
  readers[token] = piece
  params = vim.tbl_extend('force', params, { partialResultToken = token })
  local cancel = client.request(server, 0, method, params, function(...)
    readers[token] = nil
    answered(...)
  end)
  return function()
    readers[token] = nil
    cancel()
  end
end

--- `$/progress`: a piece of an answer, or else a progress bar, which is Neovim's own affair.
function M.received(error, params, context)
  local token = params and params.token
  if type(token) == 'string' and vim.startswith(token, 'copilotd-') then
    if readers[token] then
      readers[token](params.value.delta or '', params.value)
    end
    return vim.NIL
  end
  return vim.lsp.handlers['$/progress'](error, params, context)
end

return M
