" Runs copilotd in Vim 9 through ALE, together with ALE's other linters.

let g:ale_completion_enabled = 1
" In milliseconds. A model takes longer to answer than a list of names.
let g:ale_completion_delay = 150
set completeopt=menu,menuone,noinsert,noselect
set omnifunc=ale#completion#OmniFunc

function! s:FindRoot(buffer) abort
  let l:git = finddir('.git', fnamemodify(bufname(a:buffer), ':p:h') . ';')
  return empty(l:git) ? fnamemodify(bufname(a:buffer), ':p:h') : fnamemodify(l:git, ':p:h:h')
endfunction

function! s:DefineLinter(language) abort
  if empty(a:language) || has_key(s:defined_languages, a:language)
    return
  endif
  let s:defined_languages[a:language] = 1
  call ale#linter#Define(a:language, {
  \   'name': 'copilotd',
  \   'lsp': 'stdio',
  \   'executable': 'copilotd',
  \   'command': '%e lsp',
  \   'language': a:language,
  \   'project_root': function('s:FindRoot'),
  \})
endfunction

let s:defined_languages = {}
augroup copilotd
  autocmd!
  autocmd FileType * call s:DefineLinter(expand('<amatch>'))
augroup END
