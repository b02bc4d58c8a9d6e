/** argv → command. */
import { helpText, versionText } from './commands/help.ts'
import { serve } from './commands/serve.ts'
import { ConfigError } from './config.ts'

const argv = process.argv.slice(2)

if (argv.includes('--help') || argv.includes('-h')) process.stdout.write(helpText())
else if (argv.includes('--version') || argv.includes('-v')) process.stdout.write(versionText())
else {
  try {
    process.exit(await serve(argv, process.env))
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`wkconnect: ${error.message}\n`)
    process.exit(2)
  }
}
