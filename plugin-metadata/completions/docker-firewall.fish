# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_docker_firewall_global_optspecs
    string join \n v/version h/help
end

function __fish_docker_firewall_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_docker_firewall_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_docker_firewall_using_subcommand
    set -l cmd (__fish_docker_firewall_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c docker-firewall -n "__fish_docker_firewall_needs_command" -s v -l version -d 'Print the version'
complete -c docker-firewall -n "__fish_docker_firewall_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c docker-firewall -n "__fish_docker_firewall_needs_command" -f -a "ports" -d 'List the ports that a compose project or a host publishes'
complete -c docker-firewall -n "__fish_docker_firewall_needs_command" -f -a "check" -d 'Check this host and compose files for ports that are open to more than was meant'
complete -c docker-firewall -n "__fish_docker_firewall_needs_command" -f -a "trace" -d 'Follow a packet through a host, and name the rule that decides'
complete -c docker-firewall -n "__fish_docker_firewall_needs_command" -f -a "snapshot" -d 'Save what is seen of this host, to judge it elsewhere'
complete -c docker-firewall -n "__fish_docker_firewall_needs_command" -f -a "rules" -d 'Print rules that make published ports obey the host firewall'
complete -c docker-firewall -n "__fish_docker_firewall_needs_command" -f -a "lock" -d 'Close published ports that the host firewall does not permit, and keep them closed'
complete -c docker-firewall -n "__fish_docker_firewall_needs_command" -f -a "unlock" -d 'Take the lock away'
complete -c docker-firewall -n "__fish_docker_firewall_needs_command" -f -a "status" -d 'Say whether this host is locked, and whether the lock still holds'
complete -c docker-firewall -n "__fish_docker_firewall_needs_command" -f -a "explain" -d 'Say what a rule looks for, why it matters and what to do'
complete -c docker-firewall -n "__fish_docker_firewall_needs_command" -f -a "completion" -d 'Print the completion script of a shell'
complete -c docker-firewall -n "__fish_docker_firewall_needs_command" -f -a "help" -d 'Print this, or the help of a command'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand ports" -l snapshot -d 'List what a saved host publishes' -r -f -a "(__fish_complete_directories)"
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand ports" -l format -d 'How to print the list' -r -f -a "table\t'Columns for people'
json\t'An array, one object a binding'
prometheus\t'Of a host: metrics for node_exporter\'s textfile collector'"
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand ports" -l output -d 'Print to FILE, not to stdout; its readers see the old text or the new one, never a part' -r -F
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand ports" -l color -d 'Colour the text' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand ports" -s f -l file -d 'A compose file; more than one are merged in order, and - is standard input' -r -F
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand ports" -l env-file -d 'Read variables from FILE, not from .env' -r -F
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand ports" -l profile -d 'Switch a profile on' -r
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand ports" -l project-directory -d 'The project directory [default: the folder of the first file]' -r -f -a "(__fish_complete_directories)"
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand ports" -s p -l project-name -d 'The project\'s name' -r
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand ports" -l host -d 'List what this host publishes, and what its firewall makes of it'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand ports" -l all-profiles -d 'Switch all profiles on'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand ports" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand check" -l snapshot -d 'Look at a saved host in place of this one' -r -f -a "(__fish_complete_directories)"
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand check" -l policy -d 'Read what is meant to be open from FILE, not from the docker-firewall.yaml beside each compose file' -r -F
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand check" -l baseline -d 'Leave out the findings that FILE accepts [default: docker-firewall.baseline.json, if it is here]' -r -F
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand check" -l write-baseline -d 'Accept what is found today: write it to FILE [default: docker-firewall.baseline.json]' -r -F
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand check" -l format -d 'How to print the findings' -r -f -a "text\t'For people: the line, what is open to whom, the way out'
json\t'One object; its schema is in plugin-metadata'
sarif\t'SARIF 2.1.0, for code scanning'
github\t'Annotations of a GitHub workflow'
gitlab\t'A GitLab code quality report'
junit\t'JUnit XML'"
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand check" -l output -d 'Print to FILE, not to stdout' -r -F
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand check" -l fail-on -d 'The lowest level of finding that makes the exit status 1' -r -f -a "error\t'Errors only'
warn\t'Errors and warnings'
note\t'Anything found'
never\t'Nothing'"
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand check" -l color -d 'Colour the text' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand check" -s f -l file -d 'A compose file; more than one are merged in order, and - is standard input' -r -F
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand check" -l env-file -d 'Read variables from FILE, not from .env' -r -F
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand check" -l profile -d 'Switch a profile on' -r
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand check" -l project-directory -d 'The project directory [default: the folder of the first file]' -r -f -a "(__fish_complete_directories)"
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand check" -s p -l project-name -d 'The project\'s name' -r
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand check" -l host -d 'Judge what the files publish on this host, as its engine would open it'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand check" -l watch -d 'Print what this host shows, and then each change as it happens, until it is stopped'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand check" -l no-baseline -d 'Leave out nothing: read no baseline'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand check" -l diff -d 'Show what --fix would write, and write nothing'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand check" -l fix -d 'Write the fixes that are proven to close a port and to change nothing else'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand check" -s q -l quiet -d 'Print findings only: no summary, no progress'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand check" -l all-profiles -d 'Switch all profiles on'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand trace" -l from -d 'The sender [default: somebody beyond the interface]' -r
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand trace" -l in -d 'The interface that the packet enters by [default: the one that leads to the sender; lo for the host itself]' -r
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand trace" -l to -d 'The same, by name' -r
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand trace" -l snapshot -d 'Look at the host saved in DIR, not at this one' -r -f -a "(__fish_complete_directories)"
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand trace" -l format -d 'How to print what becomes of it' -r -f -a "text\t'For people: one line a hook'
json\t'One object'"
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand trace" -l color -d 'Colour the text' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand trace" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand snapshot" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand rules" -l allow -d 'Let this in, whatever the host firewall says: 443/tcp, 8000-8010/tcp, 8080/tcp@10.0.0.0/8, 53/udp@wg0' -r
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand rules" -l policy -d 'Read what is meant to be open from FILE, not from the docker-firewall.yaml of this folder' -r -F
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand rules" -s f -l file -d 'A compose file; more than one are merged in order, and - is standard input' -r -F
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand rules" -l env-file -d 'Read variables from FILE, not from .env' -r -F
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand rules" -l profile -d 'Switch a profile on' -r
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand rules" -l project-directory -d 'The project directory [default: the folder of the first file]' -r -f -a "(__fish_complete_directories)"
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand rules" -s p -l project-name -d 'The project\'s name' -r
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand rules" -l format -d 'In whose words [default: iptables-restore, or nft where the engine has no chain DOCKER-USER]' -r -f -a "iptables-restore\t'What `iptables-restore --noflush` and `ip6tables-restore --noflush` read'
shell\t'A script of iptables commands'
nft\t'What `nft -f` reads'"
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand rules" -l snapshot -d 'Look at the host saved in DIR, not at this one' -r -f -a "(__fish_complete_directories)"
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand rules" -l all -d 'Refuse every published port but those of --allow and the policy, whatever the host firewall permits'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand rules" -l all-profiles -d 'Switch all profiles on'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand rules" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand lock" -l allow -d 'Let this in, whatever the host firewall says: 443/tcp, 8000-8010/tcp, 8080/tcp@10.0.0.0/8, 53/udp@wg0' -r
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand lock" -l policy -d 'Read what is meant to be open from FILE, not from the docker-firewall.yaml of this folder' -r -F
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand lock" -s f -l file -d 'A compose file; more than one are merged in order, and - is standard input' -r -F
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand lock" -l env-file -d 'Read variables from FILE, not from .env' -r -F
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand lock" -l profile -d 'Switch a profile on' -r
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand lock" -l project-directory -d 'The project directory [default: the folder of the first file]' -r -f -a "(__fish_complete_directories)"
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand lock" -s p -l project-name -d 'The project\'s name' -r
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand lock" -l backend -d 'In whose rules [default: nftables where nft is there, docker-user otherwise]' -r -f -a "nftables\t'A table of its own'
docker-user\t'Chains of its own, called from DOCKER-USER and INPUT'"
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand lock" -l for -d 'Unlock by itself after so long: 90s, 15m, 2h, 1d' -r
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand lock" -l snapshot -d 'With --dry-run: look at the host saved in DIR, not at this one' -r -f -a "(__fish_complete_directories)"
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand lock" -l all -d 'Refuse every published port but those of --allow and the policy, whatever the host firewall permits'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand lock" -l all-profiles -d 'Switch all profiles on'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand lock" -l cut -d 'End the connections that are open to ports which are refused now'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand lock" -l dry-run -d 'Print what would be done, and do nothing'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand lock" -l persist -d 'Lock at every boot before the engine starts, and make the lock anew whenever engine, firewall or rules change (systemd)'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand lock" -l standing -d 'Load what --persist has kept: for its unit'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand lock" -l watch -d 'Make the lock anew at each change: for the unit of --persist'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand lock" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand unlock" -l persist -d 'Lock no more at boot, and stop making the lock anew'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand unlock" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand status" -l format -d 'How to print it' -r -f -a "text\t'For people: one line a hook'
json\t'One object'"
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand explain" -l color -d 'Colour the text' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand explain" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand completion" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c docker-firewall -n "__fish_docker_firewall_using_subcommand help" -s h -l help -d 'Print help'
