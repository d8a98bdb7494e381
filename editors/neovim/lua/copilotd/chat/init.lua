--- A conversation with the model. The client keeps the messages and sends all of them with every
--- question.
local M = {}

local client = require('copilotd.client')
local config = require('copilotd.config')
local selection = require('copilotd.selection')
local stream = require('copilotd.stream')
local transcript = require('copilotd.chat.transcript')
local window = require('copilotd.chat.window')

local METHOD = 'copilotd/chat'

local messages = {} ---@type table[]
local attached ---@type copilotd.Selection? the code that goes with the next question
local running ---@type { cancel: fun(), text: string }?
local undoable_id ---@type string? the latest tool call whose change can be undone
local code_window ---@type integer? the window from which the user opened the chat

--- Opens the chat. `selected` goes with the next question.
---@param selected? copilotd.Selection
function M.open(selected)
  attached = selected or attached
  if vim.api.nvim_get_current_buf() ~= window.get_buffer() then
    code_window = vim.api.nvim_get_current_win()
  end
  window.open({
    ['<CR>'] = M.send,
    ['<C-c>'] = M.stop,
    ['gp'] = M.put_code_block,
    ['q'] = window.close,
  })
end

--- Asks one of the chat commands about some code.
---@param command 'explain'|'fix'|'tests'|'doc'
---@param selected copilotd.Selection
---@param content string
function M.ask_command(command, selected, content)
  M.open(selected)
  M.stop()
  window.remove_draft()
  window.add_turn(transcript.QUESTION, vim.trim(('/%s %s'):format(command, content)))
  M.send()
end

--- Sends the draft below the last heading.
function M.send()
  local draft = transcript.get_draft(window.get_lines())
  local server = client.get_any()
  if draft == '' or running then
    return
  elseif not server then
    return vim.notify('copilotd: no server is running; open a file first', vim.log.levels.ERROR)
  end
  M.ask(server, transcript.parse_message(draft))
end

--- Stops the running answer. The text so far stays in the conversation.
function M.stop()
  if running then
    running.cancel()
    M.finish(running.text)
  end
end

--- Inserts the code block under the cursor into the file from which the user opened the chat.
function M.put_code_block()
  local block = transcript.get_code_block(window.get_lines(), vim.api.nvim_win_get_cursor(0)[1])
  if not block or not code_window or not vim.api.nvim_win_is_valid(code_window) then
    return vim.notify('copilotd: there is no code block here, or no file to insert it into')
  end
  vim.api.nvim_set_current_win(code_window)
  vim.api.nvim_put(block, 'l', true, false)
end

function M.ask(server, message)
  if attached and vim.api.nvim_buf_is_valid(attached.bufnr) then
    message.code = selection.to_code(attached)
    message.diagnostics = selection.list_diagnostics(attached)
  end
  attached = nil
  table.insert(messages, message)
  M.show_location(message.code)
  window.add_turn(transcript.ANSWER)
  running = { text = '', cancel = function() end }
  local params = { messages = messages, tools = config.current.tools }
  running.cancel = stream.request(server, METHOD, params, M.append_delta, M.handle_answer)
end

--- Shows below a question which code it is about.
function M.show_location(code)
  if code then
    local count = select(2, code.text:gsub('\n', ''))
    window.append(('\n\n*%s:%d-%d*'):format(code.path, code.line + 1, code.line + count))
  end
end

function M.append_delta(delta, part)
  running.text = running.text .. delta
  window.append(delta)
  if part and part.result then
    M.show_tool_result(part.result)
  end
end

--- Shows a tool call as a line of the answer.
function M.show_tool_result(result)
  if result.canUndo then
    undoable_id = result.id
  end
  local failure = result.isFailure and (': ' .. vim.split(result.text, '\n')[1]) or ''
  window.append(('*%s%s*\n\n'):format(result.title, failure))
end

--- Shows in the chat what a tool will do, while the user is asked for approval.
function M.show_approval_request(request)
  M.open()
  local language, code = 'diff', request.diff
  if code == '' then
    language, code = 'sh', request.command .. '\n'
  end
  if code ~= '\n' then
    window.append(('```%s\n%s```\n\n'):format(language, code))
  end
  vim.cmd.redraw()
end

--- Undoes the latest change that a tool made.
function M.undo()
  local server = client.get_any()
  if not server or not undoable_id then
    return vim.notify('copilotd: no tool has changed anything')
  end
  client.request(server, 0, 'copilotd/undoEdit', { id = undoable_id }, function(error)
    vim.notify('copilotd: ' .. (error and error.message or 'the change was undone'))
  end)
  undoable_id = nil
end

function M.handle_answer(error, result)
  if error then
    window.append(('*%s*'):format(error.message))
    return M.finish(nil)
  end
  -- The deltas add up to the content, unless the server sent no deltas.
  if not result.messages then
    window.append(result.content:sub(#running.text + 1))
  end
  if result.finishReason == 'length' then
    window.append('\n\n*The answer was cut off here.*')
  end
  M.finish(result.content, result.messages)
end

--- Ends the turn. A question without an answer is removed, so that the roles keep alternating.
---@param content string?
---@param added? table[] the messages that the answer adds, if tools were used
function M.finish(content, added)
  running = nil
  if added then
    vim.list_extend(messages, added)
  elseif content and content ~= '' then
    table.insert(messages, { role = 'assistant', content = content })
  else
    table.remove(messages)
  end
  window.add_turn(transcript.QUESTION)
end

return M
