--- The report of `:checkhealth copilotd`.
local M = {}

local client = require('copilotd.client')
local config = require('copilotd.config')
local status = require('copilotd.status')

local TIMEOUT_MS = 5000

function M.check()
  vim.health.start('copilotd')
  M.check_neovim()
  M.check_executable()
  M.check_server()
  M.check_accept_key()
end

function M.check_neovim()
  if vim.fn.has('nvim-0.11') == 1 then
    vim.health.ok('Neovim ' .. tostring(vim.version()))
  else
    vim.health.error('Neovim is older than 0.11', { 'Install Neovim 0.11 or newer.' })
  end
end

function M.check_executable()
  local command = vim.lsp.config.copilotd.cmd
  if type(command) ~= 'table' then
    return vim.health.info('The configured `cmd` is a function, so the executable is not checked.')
  end
  local path = vim.fn.exepath(command[1])
  if path == '' then
    local advice = 'Install copilotd, or set its path: vim.lsp.config("copilotd", { cmd = { PATH, "lsp" } })'
    return vim.health.error(('`%s` is not an executable'):format(command[1]), { advice })
  end
  vim.health.ok(('%s, %s'):format(path, M.run({ path, '--version' })))
end

function M.check_server()
  local servers = vim.lsp.get_clients({ name = client.NAME })
  if #servers == 0 then
    local advice = 'Call vim.lsp.enable("copilotd"), and open a file.'
    return vim.health.warn(
      'The server is not attached to any file',
      { advice, '`:checkhealth vim.lsp` shows more.' }
    )
  end
  for _, server in ipairs(servers) do
    local files = vim.tbl_count(server.attached_buffers)
    vim.health.ok(('Attached to %d buffers, positions in %s'):format(files, server.offset_encoding))
  end
  M.check_model()
end

function M.check_model()
  local state = status.current
  if not state then
    vim.health.warn('The daemon has not reported the state of its model yet', { 'Run `copilotd doctor`.' })
  elseif state.phase == 'failed' then
    vim.health.error('The model could not be loaded: ' .. state.detail, { 'Run `copilotd doctor`.' })
  else
    vim.health.ok(vim.trim(('The model is %s. %s'):format(state.phase, state.detail)))
  end
end

function M.check_accept_key()
  local key = config.current.keymaps.accept
  if not key then
    return vim.health.info('No key accepts ghost text. Map one to <Plug>(copilotd-accept).')
  end
  for bufnr in pairs(M.list_attached_buffers()) do
    local map = require('copilotd.keymaps').find(vim.api.nvim_buf_get_keymap(bufnr, 'i'), key)
    if not map or map.desc ~= 'copilotd: accept' then
      local name = vim.api.nvim_buf_get_name(bufnr)
      vim.health.warn(('Something else maps %s in %s'):format(key, name), {
        'Map another key to <Plug>(copilotd-accept), or let that map fall back to the previous one.',
      })
      return
    end
  end
  vim.health.ok(('%s accepts ghost text'):format(key))
end

function M.list_attached_buffers()
  local buffers = {}
  for _, server in ipairs(vim.lsp.get_clients({ name = client.NAME })) do
    buffers = vim.tbl_extend('force', buffers, server.attached_buffers)
  end
  return buffers
end

--- The output of a command.
function M.run(command)
  local started, process = pcall(vim.system, command, { text = true })
  local done = started and process:wait(TIMEOUT_MS)
  return done and done.code == 0 and vim.trim(done.stdout) or 'but it does not run'
end

return M
