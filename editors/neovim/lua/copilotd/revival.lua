--- Brings the server back when it goes away without being asked: `copilotd lsp` ends with its daemon,
--- and starts the next one.
local M = {}

local status = require('copilotd.status')

local FIRST_DELAY_MS, ATTEMPTS, FAREWELL_MS = 500, 6, 3000

local served = {} ---@type table<integer, vim.lsp.ClientConfig> by buffer
local attempts = 0
local wanted_back = false

---@param server vim.lsp.Client
---@param bufnr integer
function M.attached(server, bufnr)
  served[bufnr] = server.config
end

--- The server has answered: from here on a loss is a new one.
function M.works()
  attempts = 0
end

--- The process ended. 0 is what it says after a farewell.
---@param code integer
---@param client_id integer
function M.lost(code, client_id)
  vim.schedule(function()
    status.lost()
    if vim.v.exiting ~= vim.NIL then
      return
    elseif wanted_back then
      wanted_back = false
      vim.schedule(M.restart)
    elseif code ~= 0 then
      vim.lsp.log.warn('copilotd', ('client %d ended with code %d'):format(client_id, code))
      M.try_again()
    end
  end)
end

function M.try_again()
  attempts = attempts + 1
  if attempts > ATTEMPTS then
    return vim.notify(
      'copilotd: the server keeps ending; `:Copilotd restart` tries again',
      vim.log.levels.ERROR
    )
  end
  vim.defer_fn(M.restart, FIRST_DELAY_MS * 2 ^ (attempts - 1))
end

--- Ends the server and starts it anew, at the user's wish.
function M.again()
  attempts = 0
  local clients = vim.lsp.get_clients({ name = 'copilotd' })
  if #clients == 0 then
    return M.restart()
  end
  wanted_back = true
  vim.lsp.stop_client(clients)
  vim.defer_fn(function()
    vim.lsp.stop_client(clients, true)
  end, FAREWELL_MS)
end

--- Starts the server again for all buffers that had it.
function M.restart()
  for bufnr, config in pairs(served) do
    if vim.api.nvim_buf_is_loaded(bufnr) then
      vim.lsp.start(config, { bufnr = bufnr, silent = true })
    else
      served[bufnr] = nil
    end
  end
end

return M
