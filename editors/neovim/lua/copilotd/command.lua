--- `:Copilotd`.
local M = {}

local client = require('copilotd.client')

---@class copilotd.Call
---@field range integer
---@field line1 integer
---@field line2 integer
---@field rest string what was written behind the subcommand

---@type table<string, fun(call: copilotd.Call)>
local subcommands = {}

--- Runs a subcommand; `status` without one.
function M.run(call)
  local name, rest = call.args:match('^(%S*)%s*(.*)$')
  name = name == '' and 'status' or name
  local subcommand = subcommands[name]
  if not subcommand then
    return vim.notify(('copilotd: there is no `:Copilotd %s`'):format(name), vim.log.levels.ERROR)
  end
  subcommand({ range = call.range, line1 = call.line1, line2 = call.line2, rest = rest })
end

---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  if line:match('Copilotd!?%s+%S+%s') then
    return {}
  end
  return vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, vim.fn.sort(vim.tbl_keys(subcommands)))
end

local function selected(call)
  return require('copilotd.selection').of(call)
end

--- The lines that were given, or else the one of the cursor.
local function selected_lines(call)
  local line = vim.api.nvim_win_get_cursor(0)[1]
  return selected(call.range > 0 and call or { range = 2, line1 = line, line2 = line })
end

function subcommands.chat(call)
  local chat = require('copilotd.chat')
  chat.open(call.range > 0 and selected(call) or nil)
end

function subcommands.explain(call)
  require('copilotd.chat').command('explain', selected(call), call.rest)
end

function subcommands.tests(call)
  require('copilotd.chat').command('tests', selected(call), call.rest)
end

function subcommands.edit(call)
  require('copilotd.edit').start(selected_lines(call), 'edit', call.rest)
end

function subcommands.fix(call)
  require('copilotd.edit').start(selected_lines(call), 'fix', call.rest)
end

function subcommands.doc(call)
  require('copilotd.edit').start(selected_lines(call), 'doc', call.rest)
end

function subcommands.accept()
  require('copilotd.preview').accept(vim.api.nvim_get_current_buf())
end

function subcommands.reject()
  require('copilotd.preview').reject(vim.api.nvim_get_current_buf())
end

function subcommands.stop()
  require('copilotd.chat').stop()
  subcommands.reject()
end

function subcommands.undo()
  require('copilotd.chat').undo()
end

function subcommands.tools()
  local settings = require('copilotd.config').current
  settings.tools = not settings.tools
  vim.notify(('copilotd: tools are %s in the chat'):format(settings.tools and 'on' or 'off'))
end

function subcommands.model()
  M.ask('copilotd.status', 'model', function(status)
    return { alias = status.alias, state = status.state.phase, model = status.model, chat = status.chat }
  end)
end

function subcommands.toggle()
  require('copilotd').toggle()
end

function subcommands.pause(call)
  require('copilotd').pause(tonumber(call.rest))
end

function subcommands.restart()
  require('copilotd.revival').again()
end

function subcommands.log()
  local command = vim.list_slice(vim.lsp.config.copilotd.cmd, 1, 1)
  vim.cmd.new()
  vim.fn.jobstart(vim.list_extend(command, { 'logs', '-f' }), { term = true })
end

subcommands.status = function()
  M.ask('copilotd.status', 'status')
end

subcommands['explain-suggestion'] = function()
  M.ask('copilotd.lastCompletion', 'last suggestion')
end

--- Shows what the server answers to one of its commands.
---@param part? fun(result: any): any what of it
function M.ask(command, title, part)
  local server = client.any()
  if not server then
    return vim.notify('copilotd: no server runs; `:checkhealth copilotd` looks for the reason')
  end
  client.execute(server, command, nil, function(error, result)
    if error then
      vim.notify('copilotd: ' .. error.message, vim.log.levels.ERROR)
    else
      require('copilotd.report').show(title, part and part(result) or result)
    end
  end)
end

return M
