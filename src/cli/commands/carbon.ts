import { Command } from "commander";
export function carbonCommand(): Command {
  return new Command("carbon");
}
