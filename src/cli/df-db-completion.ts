/**
 * The completion of `df-db` in a shell: one bash function, made from the commands and the tables as they are
 * declared, that zsh takes too through `bashcompinit`. Only the ids of rows are asked of the store. It is written
 * in what both shells know, and never lets the shell expand an id: the text of a row is foreign.
 */

import type { Command, Option } from 'commander'
import { counterTable, fieldsOfTable, referencesOf, tableNames } from '../nb/index.ts'

/** The shells that there is a completion for. */
export const shells = ['bash', 'zsh'] as const

/** The script that a shell reads: `source <(df-db completion bash)`. */
export function completionScript(program: Command, shell: (typeof shells)[number]): string {
  const zsh = [
    "# df-db in zsh: source <(df-db completion zsh), after the completion system's compinit.",
    'whence compinit >/dev/null || { autoload -Uz compinit && compinit; }',
    'autoload -Uz bashcompinit && bashcompinit',
  ]
  const bash = ['# df-db in bash: source <(df-db completion bash).']
  return [...(shell === 'zsh' ? zsh : bash), functions(program), 'complete -F _df_db df-db', ''].join('\n')
}

function functions(program: Command): string {
  const commands = program.commands.filter((command) => command.name() !== hiddenCommand)
  return `
# What may stand in each place after a command; the last one repeats.
_df_db_places() {
  case $1 in
${commands.map((command) => `    ${command.name()}) echo '${placesOf(command)}' ;;`).join('\n')}
    help) echo 'command' ;;
  esac
}

_df_db_fields() {
  case $1 in
${tableNames.map((table) => `    ${table}) echo '${fieldNames(table)}' ;;`).join('\n')}
  esac
}

# The table whose rows a field names.
_df_db_target() {
  case $1.$2 in
${tableNames.flatMap(targetsOf).join('\n')}
  esac
}

# Offers the words after the first that begin with it.
_df_db_offer() {
  local begin=$1 word
  shift
  for word in "$@"; do
    [[ $word == "$begin"* ]] && COMPREPLY+=("$word")
  done
}

# Offers the ids of a table: command, begin, what stands before it, table, options that say where the store is.
_df_db_ids() {
  local command=$1 begin=$2 before=$3 table=$4 id quoted
  shift 4
  while IFS= read -r id; do
    [[ $id == "$begin"* ]] || continue
    printf -v quoted %q "$id"
    COMPREPLY+=("$before$quoted")
  done < <("$command" "$@" ${hiddenCommand} "$table" 2>/dev/null </dev/null)
}

# Offers paths: what compgen takes for their kind, and what they begin with.
_df_db_paths() {
  local path
  while IFS= read -r path; do COMPREPLY+=("$path"); done < <(compgen "$1" -- "$2")
  _df_db_hint filenames
}

# Tells bash more about what is offered; zsh does not ask.
_df_db_hint() {
  type compopt >/dev/null 2>&1 && compopt -o "$1" 2>/dev/null
}

_df_db() {
  local rest=\${COMP_LINE:0:$COMP_POINT} word last='' program='' value places place='' table=''
  local -a given store trimmed
  given=() store=() trimmed=() COMPREPLY=()
  while [[ $rest == *' '* ]]; do
    word=\${rest%% *} rest=\${rest#* }
    [[ $word ]] || continue
    if [[ ! $program ]]; then program=$word
    elif [[ $last ]]; then
      [[ $word == '~/'* ]] && word=$HOME/\${word#'~/'}
      [[ $last == -f || $last == --format ]] || store+=("$last" "$word")
      last=''
    else
      case $word in
        ${program.options
          .filter((option) => option.required)
          .flatMap(flagsOf)
          .join('|')}) last=$word ;;
        --nb-path=* | --config-file=* | --config-dir=*) store+=("$word") ;;
        -*) ;;
        *) given+=("$word") ;;
      esac
    fi
  done
  case $last in
${program.options
  .filter((option) => option.required)
  .map(valuesOf)
  .join('\n')}
  esac
  [[ $last ]] && return
  if [[ $rest == -* ]]; then
    _df_db_offer "$rest" ${program.options.flatMap(flagsOf).join(' ')} --help
    return
  fi
  if [[ \${#given[@]} -eq 0 ]]; then
    _df_db_offer "$rest" ${[...commands.map((command) => command.name()), 'help'].join(' ')}
    return
  fi
  places=$(_df_db_places "\${given[0]}")
  local -i at=0
  for word in $places; do
    at+=1 place=$word
    [[ $at -eq \${#given[@]} ]] && break
  done
  [[ $at -lt \${#given[@]} && $place != fields ]] && return
  table=\${given[1]-}
  case $place in
    table) _df_db_offer "$rest" ${[...tableNames, counterTable].join(' ')} ;;
    id) _df_db_ids "$program" "$rest" '' "$table" "\${store[@]}" ;;
    field) _df_db_offer "$rest" $(_df_db_fields "$table") ;;
    fields)
      if [[ $rest == *=* ]]; then
        value=$(_df_db_target "$table" "\${rest%%=*}")
        [[ $value ]] && _df_db_ids "$program" "\${rest#*=}" "\${rest%%=*}=" "$value" "\${store[@]}"
      else
        for word in $(_df_db_fields "$table"); do _df_db_offer "$rest" "$word="; done
        _df_db_hint nospace
      fi ;;
    file) _df_db_paths -f "$rest" ;;
    shell) _df_db_offer "$rest" ${shells.join(' ')} ;;
    command) _df_db_offer "$rest" ${commands.map((command) => command.name()).join(' ')} ;;
  esac
  # Where bash breaks words at = and :, it replaces only what comes after the last of them.
  local breaks='' head
  [[ \${COMP_WORDBREAKS-} == *=* ]] && breaks+='='
  [[ \${COMP_WORDBREAKS-} == *:* ]] && breaks+=':'
  if [[ $breaks && \${#COMPREPLY[@]} -gt 0 ]]; then
    head=\${rest%"\${rest##*["$breaks"]}"}
    for word in "\${COMPREPLY[@]}"; do trimmed+=("\${word#"$head"}"); done
    COMPREPLY=("\${trimmed[@]}")
  fi
}
`.trim()
}

/** The command that the script asks for the ids of a table. */
export const hiddenCommand = 'ids'

function placesOf(command: Command): string {
  return command.registeredArguments.map((argument) => argument.name()).join(' ')
}

function fieldNames(table: (typeof tableNames)[number]): string {
  return fieldsOfTable(table)
    .map(({ name }) => name)
    .join(' ')
}

function targetsOf(table: (typeof tableNames)[number]): string[] {
  return referencesOf(table).map(([field, to]) => `    ${table}.${field}) echo '${to.table}' ;;`)
}

function flagsOf({ short, long }: Option): string[] {
  return [short, long].filter((flag) => flag !== undefined)
}

/** What an option's value may be, as a branch of a case. */
function valuesOf(option: Option): string {
  const kind = option.flags.includes('<directory>') ? '-d' : '-f'
  const offered = option.argChoices
    ? `_df_db_offer "$rest" ${option.argChoices.join(' ')}`
    : `_df_db_paths ${kind} "$rest"`
  return `    ${flagsOf(option).join('|')}) ${offered} ;;`
}
