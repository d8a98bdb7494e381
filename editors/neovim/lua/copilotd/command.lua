--- The `:Copilotd` command and its subcommands.
local M = {}

local client = require('copilotd.client')

---@class copilotd.CommandCall
---@field range integer the number of items in the range: 0, 1 or 2
---@field line1 integer
---@field line2 integer
---@field text string the text after the subcommand

---@type table<string, fun(call: copilotd.CommandCall)>
local subcommands = {}

--- Runs the subcommand, or `status` if none is given.
function M.run(call)
  local name, text = call.args:match('^(%S*)%s*(.*)$')
  name = name == '' and 'status' or name
  local subcommand = subcommands[name]
  if not subcommand then
    return vim.notify(('copilotd: there is no `:Copilotd %s`'):format(name), vim.log.levels.ERROR)
  end
  subcommand({ range = call.range, line1 = call.line1, line2 = call.line2, text = text })
end

--- The subcommands that begin with `lead`.
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

--- The lines of the range, or the whole file.
local function get_lines_or_file(call)
  return require('copilotd.selection').from_call(call)
end

--- The lines of the range, or the line of the cursor.
local function get_lines_or_cursor_line(call)
  local line = vim.api.nvim_win_get_cursor(0)[1]
  return get_lines_or_file(call.range > 0 and call or { range = 2, line1 = line, line2 = line })
end

function subcommands.chat(call)
  local chat = require('copilotd.chat')
  chat.open(call.range > 0 and get_lines_or_file(call) or nil)
end

function subcommands.explain(call)
  require('copilotd.chat').ask_command('explain', get_lines_or_file(call), call.text)
end

function subcommands.tests(call)
  require('copilotd.chat').ask_command('tests', get_lines_or_file(call), call.text)
end

function subcommands.edit(call)
  require('copilotd.edit').start(get_lines_or_cursor_line(call), 'edit', call.text)
end

function subcommands.fix(call)
  require('copilotd.edit').start(get_lines_or_cursor_line(call), 'fix', call.text)
end

function subcommands.doc(call)
  require('copilotd.edit').start(get_lines_or_cursor_line(call), 'doc', call.text)
end

function subcommands.accept()
  require('copilotd.edit_preview').accept(vim.api.nvim_get_current_buf())
end

function subcommands.reject()
  require('copilotd.edit_preview').reject(vim.api.nvim_get_current_buf())
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
  vim.notify(('copilotd: tools in the chat are %s'):format(settings.tools and 'on' or 'off'))
end

function subcommands.model()
  M.show_answer('copilotd.status', 'model', function(status)
    return { alias = status.alias, state = status.state.phase, model = status.model, chat = status.chat }
  end)
end

function subcommands.toggle()
  require('copilotd').toggle()
end

function subcommands.pause(call)
  require('copilotd').pause(tonumber(call.text))
end

function subcommands.restart()
  require('copilotd.reconnect').restart()
end

function subcommands.log()
  local command = vim.list_slice(vim.lsp.config.copilotd.cmd, 1, 1)
  vim.cmd.new()
  vim.fn.jobstart(vim.list_extend(command, { 'logs', '-f' }), { term = true })
end

subcommands.status = function()
  M.show_answer('copilotd.status', 'status')
end

subcommands['explain-suggestion'] = function()
  M.show_answer('copilotd.lastCompletion', 'last suggestion')
end

--- Runs one of the server's commands and shows the answer in a window.
---@param command string
---@param title string
---@param choose? fun(result: any): any picks the part to show
function M.show_answer(command, title, choose)
  local server = client.get_any()
  if not server then
    return vim.notify('copilotd: no server is running; `:checkhealth copilotd` shows why')
  end
  client.execute_command(server, command, nil, function(error, result)
    if error then
      vim.notify('copilotd: ' .. error.message, vim.log.levels.ERROR)
    else
      require('copilotd.result_window').show(title, choose and choose(result) or result)
    end
  end)
end

return M
