import { parseArgs } from 'node:util'
import { PaasError } from '../errors/paas-error.ts'
import { renderError } from '../errors/render.ts'
import { instancePaths } from '../lib/paths.ts'
import { readInstance } from '../setup/read-instance.ts'
import { goBack, planUpgrade, upgrade } from '../setup/upgrade.ts'

/**
 * `paas upgrade`: a program of its own, as it outlives the controller that it replaces. The launcher starts it, one at
 * a time.
 */
const usage = `Usage: paas upgrade [--from DIR|URL] [--plan]
       paas upgrade --back [--give-up-state]

Builds a version beside the one that runs, saves the state, and switches without losing a request. Where the new
version is not well, the old one comes back by itself.

  --from DIR|URL    a clone, or a git repository (default: where the present version came from)
  --plan            print what would be done, and change nothing
  --back            back to the version before, and forward again
  --give-up-state   with --back: also where the version before needs the state of then
`

const report = (line: string): void => void process.stdout.write(`${line}\n`)

async function main(argv: string[]): Promise<void> {
  const { values } = parse(argv)
  if (values.help) return void process.stdout.write(usage)
  if (process.getuid?.() !== 0)
    throw new PaasError('FORBIDDEN', 'An upgrade needs root.', { hint: 'sudo paas upgrade' })
  const root = process.env['PAAS_ROOT'] ?? '/'
  const paths = instancePaths(root)
  const instance = await readInstance(paths)
  if (instance === undefined) throw new PaasError('NOT_FOUND', `There is no instance at ${root}.`)
  const options = { root, instance, paths, report }
  if (values.back) await goBack({ ...options, giveUpState: values['give-up-state'] })
  else await (values.plan ? planUpgrade : upgrade)(values.from, options)
}

function parse(argv: string[]) {
  try {
    return parseArgs({
      args: argv,
      options: {
        from: { type: 'string' },
        plan: { type: 'boolean', default: false },
        back: { type: 'boolean', default: false },
        'give-up-state': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (error) {
    throw new PaasError('INVALID_INPUT', (error as Error).message, { hint: 'See paas upgrade --help.' })
  }
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  const shown =
    error instanceof PaasError ? error : new PaasError('INTERNAL', String(error), { cause: error })
  process.stderr.write(renderError(shown, { json: false }))
  process.exit(shown.exitCode)
}
