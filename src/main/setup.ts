import { messageOf, PaasError } from '../errors/paas-error.ts'
import { instancePaths } from '../lib/paths.ts'
import { demo } from '../setup/demo.ts'
import { defaultDockerSocket } from '../setup/docker-daemon.ts'
import { accountsStep, configurationStep, directoriesStep, secretsStep, type Plan } from '../setup/install.ts'
import { answers, exists, readMachine, sshAnswers, systemdRuns } from '../setup/machine.ts'
import { parseSetupOptions, type SetupOptions } from '../setup/options.ts'
import { baseImageStep, dockerStep, servicesStep } from '../setup/platform.ts'
import { readInstance } from '../setup/read-instance.ts'
import { decideSettings } from '../setup/settings.ts'
import { describeSteps, performSteps } from '../setup/step.ts'
import { systemSshdStep } from '../setup/system-sshd.ts'

/** The part of `bin/setup` that runs on the Node which the first part installed. */
const report = (line: string) => process.stdout.write(`${line}\n`)

try {
  await setUp(parseSetupOptions(process.argv.slice(2)))
} catch (error) {
  process.stderr.write(`paas: ${messageOf(error)}\n`)
  if (error instanceof PaasError && error.hint !== undefined) process.stderr.write(`      ${error.hint}\n`)
  process.exit(error instanceof PaasError ? error.exitCode : 1)
}

/** Settles everything that the steps follow from, and refuses what cannot work before anything is changed. */
async function decide(options: SetupOptions): Promise<Plan> {
  const paths = instancePaths(options.root)
  const existing = await readInstance(paths)
  const machine = await readMachine(options.dockerSocket ?? existing?.dockerSocket ?? defaultDockerSocket)
  const instance = decideSettings(options, existing, machine)
  if (existing && existing.user !== instance.user) {
    throw new PaasError(
      'INVALID_INPUT',
      `This instance has the user "${existing.user}", which cannot be changed.`,
      {
        hint: 'Leave --user out, or remove the instance first with bin/setup --uninstall.',
      },
    )
  }
  if (existing && existing.dockerSocket !== instance.dockerSocket) {
    throw new PaasError(
      'INVALID_INPUT',
      `This instance's containers are in the engine at ${existing.dockerSocket}.`,
      {
        hint: 'Leave --docker-socket out, or remove the instance first with bin/setup --uninstall.',
      },
    )
  }
  const ownMachine = options.root === '/'
  const privateSshd = (await exists(paths.sshdConfig)) || !ownMachine || !(await sshAnswers(instance.sshPort))
  await refuseTakenPort('--http-port', instance.http.port, existing?.http.port)
  if (privateSshd) await refuseTakenPort('--ssh-port', instance.sshPort, existing?.sshPort)
  return { root: options.root, instance, paths, systemd: ownMachine && (await systemdRuns()), privateSshd }
}

async function refuseTakenPort(flag: string, port: number, current: number | undefined): Promise<void> {
  if (port === current || !(await answers(port))) return
  throw new PaasError('INVALID_INPUT', `Port ${port} is in use by another program.`, {
    hint: `Stop that program (see \`ss -ltnp\`), or choose another port with ${flag}.`,
  })
}

function nextSteps({ instance, paths }: Plan): void {
  const port = instance.sshPort === 22 ? '' : `-p ${instance.sshPort} `
  report(`
Apps answer at http://APP.${instance.domain}${instance.http.port === 80 ? '' : `:${instance.http.port}`}/.
Add your SSH key:    ${paths.launcher} keys:add NAME KEY.pub --role admin
Then, from anywhere: ssh ${port}${instance.user}@HOST apps:list
See how all is:      ${paths.launcher} doctor`)
}

async function setUp(options: SetupOptions): Promise<void> {
  const plan = await decide(options)
  const steps = [
    accountsStep(plan),
    directoriesStep(plan),
    secretsStep(plan),
    configurationStep(plan),
    ...(plan.privateSshd ? [] : [systemSshdStep(plan)]),
    dockerStep(plan),
    servicesStep(plan, options.appDigest),
    ...(options.baseImage ? [baseImageStep(plan)] : []),
  ]
  if (options.dryRun) {
    await describeSteps(steps, report)
    if (options.demo) report('-----> Demo\n       would push test/apps/node-hello over SSH')
    return
  }
  const changed = await performSteps(steps, report)
  if (options.demo) await demo(plan, options.source, report)
  report(changed === 0 ? '-----> Everything was in place; nothing was changed.' : '-----> paas is ready.')
  nextSteps(plan)
}
