/** argv → command. */
import { add, list, remove, reset, set } from './commands/edit.ts'
import { helpText } from './commands/help.ts'
import { config, health, version } from './commands/inspect.ts'
import { inspect } from './commands/look-into.ts'
import { pyramid } from './commands/pyramid.ts'
import { serve } from './commands/serve.ts'
import { servesFor } from './commands/serving-process.ts'
import { doctor, register } from './commands/webknossos.ts'
import { ConfigError } from './config/error.ts'
import { CannotWrite } from './datasets/write.ts'

type Command = (argv: readonly string[], environment: Readonly<Record<string, string | undefined>>) => number | Promise<number>

const COMMANDS: Record<string, Command> = { list, add, set, remove, reset, inspect, pyramid, config, health, version, register, doctor }

const argv = process.argv.slice(2)
const name = argv[0] ?? ''

if (servesFor !== undefined) await import('./commands/worker.ts')
else if (argv.includes('--help') || argv.includes('-h')) process.stdout.write(helpText())
else if (argv.includes('--version') || argv.includes('-v')) version([])
else {
  try {
    process.exit(await (Object.hasOwn(COMMANDS, name) ? COMMANDS[name]!(argv.slice(1), process.env) : serve(argv, process.env)))
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof CannotWrite)) throw error
    process.stderr.write(`wkconnect: ${error.message}\n`)
    process.exit(error instanceof ConfigError ? 2 : 1)
  }
}
