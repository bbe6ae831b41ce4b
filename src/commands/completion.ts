import { z } from 'zod'
import { type Command, defineCommand } from './define.ts'
import { completionScript, shells } from './shell-completion.ts'

/** The command that prints the completion of all commands, itself included. */
export const completionOf = (commands: () => readonly Command[]): Command =>
  defineCommand({
    name: 'completion',
    topic: 'server',
    summary: 'print the completion script of a shell',
    description: `Prints a script for bash or zsh that completes commands, flags and the names of apps. To use it, add to \
~/.bashrc: source <(paas completion bash), or to ~/.zshrc, after compinit: source <(paas completion zsh).`,
    examples: ['paas completion bash', 'paas completion zsh'],
    access: 'read',
    app: 'none',
    args: { shell: z.enum(shells).describe('bash or zsh') },
    async run({ args }, { io }) {
      await io.stdout(completionScript(args.shell, commands()))
    },
  })
