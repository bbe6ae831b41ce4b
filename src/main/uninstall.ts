import { parseArgs } from 'node:util'
import { messageOf } from '../errors/paas-error.ts'
import { instancePaths } from '../lib/paths.ts'
import { readInstance } from '../setup/read-instance.ts'
import { uninstall } from '../setup/uninstall.ts'

/** The part of `bin/setup --uninstall` that knows the instance; the launcher removes program and packages. */
const { values } = parseArgs({
  options: { root: { type: 'string', default: '/' }, 'keep-data': { type: 'boolean', default: false } },
})
const report = (line: string) => process.stdout.write(`${line}\n`)

try {
  const paths = instancePaths(values.root)
  const instance = await readInstance(paths)
  if (!instance) {
    report(`-----> There is no instance at ${values.root}.`)
  } else {
    await uninstall({ root: values.root, instance, paths, keepData: values['keep-data'] }, report)
  }
} catch (error) {
  process.stderr.write(`paas: ${messageOf(error)}\n`)
  process.exit(1)
}
