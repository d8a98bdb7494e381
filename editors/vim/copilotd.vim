" copilotd in Vim 9 through ALE, beside its other linters.

let g:ale_completion_enabled = 1
" A model takes longer than a list of names.
let g:ale_completion_delay = 150
set completeopt=menu,menuone,noinsert,noselect
set omnifunc=ale#completion#OmniFunc

function! s:Root(buffer) abort
  let l:git = finddir('.git', fnamemodify(bufname(a:buffer), ':p:h') . ';')
  return empty(l:git) ? fnamemodify(bufname(a:buffer), ':p:h') : fnamemodify(l:git, ':p:h:h')
endfunction

function! s:Define(language) abort
  if empty(a:language) || has_key(s:defined, a:language)
    return
  endif
  let s:defined[a:language] = 1
  call ale#linter#Define(a:language, {
  \   'name': 'copilotd',
  \   'lsp': 'stdio',
  \   'executable': 'copilotd',
  \   'command': '%e lsp',
  \   'language': a:language,
  \   'project_root': function('s:Root'),
  \})
endfunction

let s:defined = {}
augroup copilotd
  autocmd!
  autocmd FileType * call s:Define(expand('<amatch>'))
augroup END
