--- Finds the server, sends it requests and cancels them.
local M = {}

M.NAME = 'copilotd'

--- The client that is attached to a buffer.
---@param bufnr integer
---@return vim.lsp.Client?
function M.get(bufnr)
  return vim.lsp.get_clients({ bufnr = bufnr, name = M.NAME })[1]
end

--- The client of the current buffer, or else any client; for requests that concern no file.
---@return vim.lsp.Client?
function M.get_any()
  return M.get(vim.api.nvim_get_current_buf()) or vim.lsp.get_clients({ name = M.NAME })[1]
end

--- Sends a request. `on_answer` is called once, unless the request is cancelled first.
---@param client vim.lsp.Client
---@param bufnr integer
---@param method string
---@param params table
---@param on_answer fun(error: lsp.ResponseError?, result: any)
---@return fun() cancel does nothing after the answer
function M.request(client, bufnr, method, params, on_answer)
  local is_done = false
  local is_sent, id = client:request(method, params, function(error, result)
    if not is_done then
      is_done = true
      on_answer(error, result)
    end
  end, bufnr)
  return function()
    if is_sent and id and not is_done then
      is_done = true
      client:cancel_request(id)
    end
  end
end

--- Runs one of the server's commands.
---@param client vim.lsp.Client
---@param command string
---@param arguments? any[]
---@param on_answer? fun(error: lsp.ResponseError?, result: any)
function M.execute_command(client, command, arguments, on_answer)
  local params = { command = command, arguments = arguments }
  M.request(client, 0, 'workspace/executeCommand', params, on_answer or function() end)
end

return M
