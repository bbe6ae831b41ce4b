import { type PaasError } from './paas-error.ts'

/** How an error is shown on stderr: Heroku's ` !     ` and the hint below it, or one JSON line. */
export function renderError(error: PaasError, options: { json: boolean }): string {
  const { code, message, hint } = error
  if (options.json) return `${JSON.stringify({ error: { code, message, hint } })}\n`
  const mark = message.split('\n').map((line) => ` !     ${line}\n`)
  return mark.join('') + (hint === undefined ? '' : `       ${hint.replaceAll('\n', '\n       ')}\n`)
}

/** Whether a command line asks for JSON, so that its errors can be JSON too. */
export function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return (end < 0 ? argv : argv.slice(0, end)).includes('--json')
}
