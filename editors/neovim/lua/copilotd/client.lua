--- Requests to the server, and how to call them back.
local M = {}

M.NAME = 'copilotd'

---@param bufnr integer
---@return vim.lsp.Client?
function M.of(bufnr)
  return vim.lsp.get_clients({ bufnr = bufnr, name = M.NAME })[1]
end

--- Any client, for what concerns no file.
---@return vim.lsp.Client?
function M.any()
  return M.of(vim.api.nvim_get_current_buf()) or vim.lsp.get_clients({ name = M.NAME })[1]
end

--- Sends a request. `answered` is called once, unless the request is cancelled before.
---@param client vim.lsp.Client
---@param bufnr integer
---@param method string
---@param params table
---@param answered fun(error: lsp.ResponseError?, result: any)
---@return fun() cancel does nothing after the answer
function M.request(client, bufnr, method, params, answered)
  local over = false
  local sent, id = client:request(method, params, function(error, result)
    if not over then
      over = true
      answered(error, result)
    end
  end, bufnr)
  return function()
    if sent and id and not over then
      over = true
      client:cancel_request(id)
    end
  end
end

--- Runs one of the server's commands; what it answers goes to `answered`.
---@param client vim.lsp.Client
---@param command string
---@param arguments? any[]
---@param answered? fun(error: lsp.ResponseError?, result: any)
function M.execute(client, command, arguments, answered)
  local params = { command = command, arguments = arguments }
  M.request(client, 0, 'workspace/executeCommand', params, answered or function() end)
end

return M
