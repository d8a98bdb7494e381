--- A conversation with the model. The client keeps it, and sends all of it with every question.
local M = {}

local client = require('copilotd.client')
local config = require('copilotd.config')
local selection = require('copilotd.selection')
local stream = require('copilotd.stream')
local transcript = require('copilotd.chat.transcript')
local window = require('copilotd.chat.window')

local METHOD = 'copilotd/chat'

local messages = {} ---@type table[]
local about ---@type copilotd.Selection? the code that the next question is about
local running ---@type { cancel: fun(), text: string }?
local undoable ---@type string? the call whose change can be taken back
local code_window ---@type integer? where the user came from

--- Opens the chat. What is selected goes with the next question.
---@param selected? copilotd.Selection
function M.open(selected)
  about = selected or about
  if vim.api.nvim_get_current_buf() ~= window.buffer() then
    code_window = vim.api.nvim_get_current_win()
  end
  window.open({
    ['<CR>'] = M.send,
    ['<C-c>'] = M.stop,
    ['gp'] = M.put,
    ['q'] = window.close,
  })
end

--- Asks one of the commands about some code.
---@param command 'explain'|'fix'|'tests'|'doc'
---@param selected copilotd.Selection
---@param content string
function M.command(command, selected, content)
  M.open(selected)
  M.stop()
  window.drop_draft()
  window.turn(transcript.QUESTION, vim.trim(('/%s %s'):format(command, content)))
  M.send()
end

--- Sends what is written below the last heading.
function M.send()
  local draft = transcript.draft(window.lines())
  local server = client.any()
  if draft == '' or running then
    return
  elseif not server then
    return vim.notify('copilotd: no server runs; open a file first', vim.log.levels.ERROR)
  end
  M.ask(server, transcript.message(draft))
end

--- Stops the answer that is being written; what came of it stays.
function M.stop()
  if running then
    running.cancel()
    M.finish(running.text)
  end
end

--- Puts the code block under the cursor below the cursor of the file that the user came from.
function M.put()
  local block = transcript.block(window.lines(), vim.api.nvim_win_get_cursor(0)[1])
  if not block or not code_window or not vim.api.nvim_win_is_valid(code_window) then
    return vim.notify('copilotd: there is no code block here, or no file to put it in')
  end
  vim.api.nvim_set_current_win(code_window)
  vim.api.nvim_put(block, 'l', true, false)
end

function M.ask(server, message)
  if about and vim.api.nvim_buf_is_valid(about.bufnr) then
    message.code = selection.code(about)
    message.diagnostics = selection.diagnostics(about)
  end
  about = nil
  table.insert(messages, message)
  M.show_code(message.code)
  window.turn(transcript.ANSWER)
  running = { text = '', cancel = function() end }
  local params = { messages = messages, tools = config.current.tools }
  running.cancel = stream.request(server, METHOD, params, M.piece, M.answered)
end

--- The question says what it is about, once it is sent.
function M.show_code(code)
  if code then
    local count = select(2, code.text:gsub('\n', ''))
    window.append(('\n\n*%s:%d-%d*'):format(code.path, code.line + 1, code.line + count))
  end
end

function M.piece(delta, part)
  running.text = running.text .. delta
  window.append(delta)
  if part and part.result then
    M.show_result(part.result)
  end
end

--- What a tool did is a line of the answer.
function M.show_result(result)
  if result.canUndo then
    undoable = result.id
  end
  local failure = result.isFailure and (': ' .. vim.split(result.text, '\n')[1]) or ''
  window.append(('*%s%s*\n\n'):format(result.title, failure))
end

--- What a tool would do stands in the chat while the user is asked.
function M.show_question(question)
  M.open()
  local block = question.diff ~= '' and { 'diff', question.diff } or { 'sh', question.command .. '\n' }
  if block[2] ~= '\n' then
    window.append(('```%s\n%s```\n\n'):format(block[1], block[2]))
  end
  vim.cmd.redraw()
end

--- Takes back the last change that a tool made.
function M.undo()
  local server = client.any()
  if not server or not undoable then
    return vim.notify('copilotd: no tool has changed anything')
  end
  client.request(server, 0, 'copilotd/undoEdit', { id = undoable }, function(error)
    vim.notify('copilotd: ' .. (error and error.message or 'the change was taken back'))
  end)
  undoable = nil
end

function M.answered(error, result)
  if error then
    window.append(('*%s*'):format(error.message))
    return M.finish(nil)
  end
  -- The pieces are the whole, unless the server sent none.
  if not result.messages then
    window.append(result.content:sub(#running.text + 1))
  end
  if result.finishReason == 'length' then
    window.append('\n\n*The answer was cut off here.*')
  end
  M.finish(result.content, result.messages)
end

--- Ends the turn. A question without an answer is forgotten, so that the roles go on alternating.
---@param content string?
---@param added? table[] what the answer adds to the conversation, where tools were used
function M.finish(content, added)
  running = nil
  if added then
    vim.list_extend(messages, added)
  elseif content and content ~= '' then
    table.insert(messages, { role = 'assistant', content = content })
  else
    table.remove(messages)
  end
  window.turn(transcript.QUESTION)
end

return M
