--- Starts the server again after it exits unexpectedly. `copilotd lsp` exits together with its
--- daemon, and starts a new daemon when it is started again.
local M = {}

local status = require('copilotd.status')

local FIRST_DELAY_MS, MAX_ATTEMPTS, SHUTDOWN_TIMEOUT_MS = 500, 6, 3000

local configs = {} ---@type table<integer, vim.lsp.ClientConfig> by buffer
local attempts = 0
local is_restarting = false

--- Remembers the buffer, so that the server is attached to it again after a restart.
---@param server vim.lsp.Client
---@param bufnr integer
function M.remember(server, bufnr)
  configs[bufnr] = server.config
end

--- Resets the attempts. Call it when the server has answered a request.
function M.reset_attempts()
  attempts = 0
end

--- Handles the exit of the process. The code is 0 after an orderly shutdown.
---@param code integer
---@param client_id integer
function M.handle_exit(code, client_id)
  vim.schedule(function()
    status.clear()
    if vim.v.exiting ~= vim.NIL then
      return
    elseif is_restarting then
      is_restarting = false
      vim.schedule(M.start)
    elseif code ~= 0 then
      vim.lsp.log.warn('copilotd', ('client %d exited with code %d'):format(client_id, code))
      M.schedule_start()
    end
  end)
end

--- Starts the server after a delay that doubles with each attempt.
function M.schedule_start()
  attempts = attempts + 1
  if attempts > MAX_ATTEMPTS then
    return vim.notify(
      'copilotd: the server keeps exiting; `:Copilotd restart` tries again',
      vim.log.levels.ERROR
    )
  end
  vim.defer_fn(M.start, FIRST_DELAY_MS * 2 ^ (attempts - 1))
end

--- Stops the server and starts it again, for `:Copilotd restart`.
function M.restart()
  attempts = 0
  local clients = vim.lsp.get_clients({ name = 'copilotd' })
  if #clients == 0 then
    return M.start()
  end
  is_restarting = true
  vim.lsp.stop_client(clients)
  vim.defer_fn(function()
    vim.lsp.stop_client(clients, true)
  end, SHUTDOWN_TIMEOUT_MS)
end

--- Starts the server for all buffers that it was attached to.
function M.start()
  for bufnr, config in pairs(configs) do
    if vim.api.nvim_buf_is_loaded(bufnr) then
      vim.lsp.start(config, { bufnr = bufnr, silent = true })
    else
      configs[bufnr] = nil
    end
  end
end

return M
