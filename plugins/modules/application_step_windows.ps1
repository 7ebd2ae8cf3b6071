#!powershell

# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# It takes one argument, a text, so the older of Ansible's two helpers is enough; with Ansible.Basic, "ansible-test sanity" ends with
# an error wherever there is no PowerShell.
#Requires -Module Ansible.ModuleUtils.Legacy
#Requires -Module Ansible.ModuleUtils.ArgvParser

# The guarded step of plugins/plugin_utils/_guarded.py for control points that run Windows; _guarded_windows.py there says what is
# asked, what is answered, and what differs. Nothing of a request is ever made into text that PowerShell would run: a command is a
# program with its arguments, or one of the cmdlets below, whose parameters are values.

$ErrorActionPreference = 'Stop'

$version = 1
# Characters of a command's output, and bytes of a record.
$most = 262144
$mostRecord = 16384
# Milliseconds between two looks, for the end of what had to be stopped, for pipes that others hold open, and for a goodbye.
$pause = 100
$grace = 2000
$drain = 1000
$goodbye = 5000

# What a cmdlet is: the product that has it, and for one that sets drives what they are to become.
$cmdlets = @{
    'Get-VBRTapeDrive' = @{ product = 'veeam'; sets = $false; wanted = $null }
    'Disable-VBRTapeDrive' = @{ product = 'veeam'; sets = $true; wanted = $false }
    'Enable-VBRTapeDrive' = @{ product = 'veeam'; sets = $true; wanted = $true }
}

# A drive as a cmdlet is told it: the serial number that is expected, or -, and the identifier.
$address = '\A(?<serial>[0-9A-Za-z][0-9A-Za-z._-]{0,63}|-)/(?<id>[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\z'

$plain = New-Object -TypeName System.Text.UTF8Encoding -ArgumentList $false
$strict = New-Object -TypeName System.Text.UTF8Encoding -ArgumentList $false, $true

$given = Parse-Args -arguments $args -supports_check_mode $true
$request = ConvertFrom-Json -InputObject ([String](Get-AnsibleParam -obj $given -name 'request' -type 'str' -failifempty $true))
if ($request.version -ne $version) {
    Fail-Json -obj @{} -message "The request has version $($request.version), and this module knows $version; install one version of the collection"
}

$root = [String]$request.directory
$directory = "$root\$($request.instance)"
$started = [System.Diagnostics.Process]::GetCurrentProcess().StartTime.ToUniversalTime().Ticks
$id = "$($request.nonce).$PID.$started"
$state = @{
    watch = [System.Diagnostics.Stopwatch]::StartNew()
    # Milliseconds of the watch when the time of the unit, or of the query, is over.
    until = 0
    # Why the last records of a unit are not written, as _guarded_parse.py has it.
    bad = ''
    # Something cannot be stopped: it ends with this process, and so do the locks.
    stuck = $false
    runspace = $null
    loaded = @{}
}
$answer = @{
    changed = $false
    version = $version
    nonce = [String]$request.nonce
    id = $id
    clock = $null
    problem = $null
    records = @()
    answers = @()
    units = @()
    listed = @()
}

Function Get-Clock {
    # Gives seconds since 1970.
    $begin = New-Object -TypeName DateTime -ArgumentList 1970, 1, 1, 0, 0, 0, ([DateTimeKind]::Utc)
    [Int64][Math]::Floor(([DateTime]::UtcNow - $begin).TotalSeconds)
}

Function Get-Left {
    # Gives the milliseconds that are left.
    [Int32][Math]::Max([Int64]0, [Int64]($state.until - $state.watch.ElapsedMilliseconds))
}

Function Test-Missing {
    # Is there no such file or directory?
    param (
        [Parameter(Mandatory = $true)][Exception]$Cause
    )

    $Cause -is [System.IO.FileNotFoundException] -or $Cause -is [System.IO.DirectoryNotFoundException]
}

Function Test-Held {
    # Does somebody else have the file open? ERROR_SHARING_VIOLATION and ERROR_LOCK_VIOLATION.
    param (
        [Parameter(Mandatory = $true)][Exception]$Cause
    )

    $Cause -is [System.IO.IOException] -and (($Cause.HResult -band 0xFFFF) -eq 32 -or ($Cause.HResult -band 0xFFFF) -eq 33)
}

Function Read-Text {
    # Gives the text of a file that others may write at the same time.
    param (
        [Parameter(Mandatory = $true)][String]$Path
    )

    $share = [System.IO.FileShare]'ReadWrite, Delete'
    $stream = [System.IO.File]::Open($Path, [System.IO.FileMode]::Open, [System.IO.FileAccess]::Read, $share)
    try {
        $reader = New-Object -TypeName System.IO.StreamReader -ArgumentList $stream, $plain
        $reader.ReadToEnd()
    }
    finally {
        $stream.Dispose()
    }
}

Function Get-Record {
    # Gives a record as the step shows it: - if there is none, ? if it cannot be read, else = and its text.
    param (
        [Parameter(Mandatory = $true)][String]$Path
    )

    for ($turn = 1; $turn -le 5; $turn++) {
        try {
            $text = Read-Text -Path $Path
            $first, $rest = $text -split "`n", 2
            $more = if ($rest) { ' (and more lines)' } else { '' }
            return "=$("$first".TrimEnd([Char]13))$more"
        }
        catch {
            $cause = $_.Exception.GetBaseException()
            if (Test-Missing -Cause $cause) {
                return '-'
            }
            Start-Sleep -Milliseconds $pause
        }
    }
    '?'
}

Function Set-Record {
    # Puts a record into place; gives why it could not, or nothing.
    param (
        [Parameter(Mandatory = $true)][String]$File,
        [Parameter(Mandatory = $true)][String]$Text
    )

    $temporary = "$directory\.run\$id.$File"
    $path = "$directory\$File"
    for ($turn = 1; $true; $turn++) {
        try {
            $bytes = $plain.GetBytes([String]::Format('{0} #{1}{2}', $Text, $id, [Char]10))
            $stream = [System.IO.File]::Open($temporary, [System.IO.FileMode]::Create, [System.IO.FileAccess]::Write, [System.IO.FileShare]::None)
            try {
                $stream.Write($bytes, 0, $bytes.Length)
                $stream.Flush($true)
            }
            finally {
                $stream.Dispose()
            }
            if ([System.IO.File]::Exists($path)) {
                # $null would become an empty name.
                [System.IO.File]::Replace($temporary, $path, [NullString]::Value, $true)
            }
            else {
                [System.IO.File]::Move($temporary, $path)
            }
            return ''
        }
        catch {
            $cause = $_.Exception.GetBaseException()
            if ($turn -ge 5 -or -not (Test-Held -Cause $cause)) {
                return [String]$cause.Message
            }
            # A virus scanner, or a backup.
            Start-Sleep -Milliseconds $pause
        }
    }
}

Function Get-Holder {
    # Gives the process that has a lock, or -.
    param (
        [Parameter(Mandatory = $true)][String]$Path
    )

    $share = [System.IO.FileShare]'ReadWrite, Delete'
    try {
        $stream = [System.IO.File]::Open($Path, [System.IO.FileMode]::Open, [System.IO.FileAccess]::ReadWrite, $share)
        $stream.Dispose()
        return '-'
    }
    catch {
        if (Test-Missing -Cause $_.Exception.GetBaseException()) {
            return '-'
        }
    }
    try {
        $text = (Read-Text -Path $Path).Trim()
        if ($text -match '\A[0-9]+\z') {
            return $text
        }
    }
    catch {
        # It is held, and does not say by whom.
        return '?'
    }
    '?'
}

Function Get-Lock {
    # Gives the open lock of a drive, or why there is none. Half of the time is for waiting, the rest for the commands.
    param (
        [Parameter(Mandatory = $true)][String]$File,
        [Parameter(Mandatory = $true)][Int64]$Began,
        [Parameter(Mandatory = $true)][Boolean]$Inherited
    )

    $path = "$directory\.lock\$File"
    $share = if ($Inherited) { [System.IO.FileShare]'Read, Inheritable' } else { [System.IO.FileShare]::Read }
    while ($true) {
        $stream = $null
        try {
            $stream = [System.IO.File]::Open($path, [System.IO.FileMode]::OpenOrCreate, [System.IO.FileAccess]::ReadWrite, $share)
            $bytes = $plain.GetBytes([String]$PID)
            $stream.SetLength(0)
            $stream.Write($bytes, 0, $bytes.Length)
            $stream.Flush()
            return @{ stream = $stream; outcome = ''; detail = '' }
        }
        catch {
            $cause = $_.Exception.GetBaseException()
            if ($stream) {
                $stream.Dispose()
            }
            if (-not (Test-Held -Cause $cause)) {
                return @{ stream = $null; outcome = 'unwritable'; detail = [String]$cause.Message }
            }
        }
        if ($state.watch.ElapsedMilliseconds - $Began -ge 500 * $request.seconds) {
            return @{ stream = $null; outcome = 'locked'; detail = Get-Holder -Path $path }
        }
        Start-Sleep -Milliseconds $pause
    }
}

Function New-Place {
    # Makes the directories of an instance. Into the first come only administrators and who runs this: others could write records.
    if (-not [System.IO.Directory]::Exists($root)) {
        $rights = New-Object -TypeName System.Security.AccessControl.DirectorySecurity
        $rights.SetAccessRuleProtection($true, $false)
        $system = New-Object -TypeName System.Security.Principal.SecurityIdentifier -ArgumentList 'S-1-5-18'
        $administrators = New-Object -TypeName System.Security.Principal.SecurityIdentifier -ArgumentList 'S-1-5-32-544'
        foreach ($who in $system, $administrators, [System.Security.Principal.WindowsIdentity]::GetCurrent().User) {
            $arguments = $who, 'FullControl', 'ContainerInherit, ObjectInherit', 'None', 'Allow'
            $rights.AddAccessRule((New-Object -TypeName System.Security.AccessControl.FileSystemAccessRule -ArgumentList $arguments))
        }
        if ($PSVersionTable.PSVersion.Major -ge 6) {
            $new = New-Object -TypeName System.IO.DirectoryInfo -ArgumentList $root
            [System.IO.FileSystemAclExtensions]::Create($new, $rights)
        }
        else {
            $null = [System.IO.Directory]::CreateDirectory($root, $rights)
        }
    }
    foreach ($part in '.lock', '.run') {
        $null = [System.IO.Directory]::CreateDirectory("$directory\$part")
    }
    # What steps have left that were killed.
    foreach ($file in [System.IO.Directory]::GetFiles("$directory\.run")) {
        if ([System.IO.File]::GetLastWriteTimeUtc($file) -lt [DateTime]::UtcNow.AddDays(-1)) {
            try {
                [System.IO.File]::Delete($file)
            }
            catch {
                # It is no harm.
                $null = $_
            }
        }
    }
}

Function New-Answer {
    # Gives what became of one command.
    param (
        [AllowNull()][Object]$Status = $null,
        [AllowEmptyString()][String]$Output = '',
        [Boolean]$Over = $false
    )

    $text = $Output.Replace("`r`n", "`n")
    $cut = $text.Length -gt $most
    if ($cut) {
        $text = $text.Substring(0, $most)
    }
    @{ rc = $Status; output = $text; timed_out = $Over; truncated = $cut }
}

Function ConvertFrom-Byte {
    # Gives the text of what a program printed.
    param (
        [Parameter(Mandatory = $true)][AllowEmptyCollection()][Byte[]]$Bytes
    )

    try {
        $strict.GetString($Bytes)
    }
    catch {
        $page = [System.Globalization.CultureInfo]::CurrentCulture.TextInfo.OEMCodePage
        try {
            [System.Text.Encoding]::GetEncoding($page).GetString($Bytes)
        }
        catch {
            # PowerShell 7 has no such code pages at hand.
            $plain.GetString($Bytes)
        }
    }
}

Function Invoke-Program {
    # Runs a program with these arguments, and gives it these lines.
    param (
        [Parameter(Mandatory = $true)][AllowEmptyString()][String[]]$Words,
        [AllowEmptyCollection()][AllowEmptyString()][String[]]$Lines
    )

    $name = [System.Management.Automation.WildcardPattern]::Escape($Words[0])
    $found = Get-Command -Name $name -CommandType Application -ErrorAction SilentlyContinue | Select-Object -First 1
    if (-not $found) {
        return New-Answer -Status 127 -Output "$($Words[0]): there is no such program"
    }
    if ([System.IO.Path]::GetExtension($found.Path) -notin '.exe', '.com') {
        return New-Answer -Status 126 -Output "$($found.Path): only programs (.exe, .com) are run; a batch file takes its arguments apart"
    }
    $start = New-Object -TypeName System.Diagnostics.ProcessStartInfo
    $start.FileName = $found.Path
    $start.Arguments = Argv-ToString -arguments @($Words | Select-Object -Skip 1)
    $start.UseShellExecute = $false
    $start.CreateNoWindow = $true
    $start.RedirectStandardInput = $true
    $start.RedirectStandardOutput = $true
    $start.RedirectStandardError = $true
    $process = New-Object -TypeName System.Diagnostics.Process
    $process.StartInfo = $start
    try {
        $null = $process.Start()
    }
    catch {
        return New-Answer -Status 126 -Output "$($found.Path): $($_.Exception.GetBaseException().Message)"
    }
    $printed = New-Object -TypeName System.IO.MemoryStream
    $complained = New-Object -TypeName System.IO.MemoryStream
    $copies = [System.Threading.Tasks.Task[]]@(
        $process.StandardOutput.BaseStream.CopyToAsync($printed)
        $process.StandardError.BaseStream.CopyToAsync($complained)
    )
    try {
        $bytes = $plain.GetBytes((@($Lines | ForEach-Object -Process { "$_`r`n" }) -join ''))
        if ($process.StandardInput.BaseStream.WriteAsync($bytes, 0, $bytes.Length).Wait([Math]::Min($goodbye, (Get-Left)))) {
            $process.StandardInput.Close()
        }
    }
    catch {
        # It has ended without reading all: its status says what that means.
        $null = $_
    }
    $over = -not $process.WaitForExit((Get-Left))
    if ($over) {
        try {
            $process.Kill()
        }
        catch {
            # It has ended meanwhile.
            $null = $_
        }
        if (-not $process.WaitForExit($grace)) {
            $state.stuck = $true
            $state.bad = "hangs $($process.Id)"
        }
    }
    try {
        # A program that it has left behind may hold the pipes.
        $null = [System.Threading.Tasks.Task]::WaitAll($copies, $drain)
    }
    catch {
        # A pipe that broke has nothing more to say.
        $null = $_
    }
    $text = "$(ConvertFrom-Byte -Bytes $printed.ToArray())$(ConvertFrom-Byte -Bytes $complained.ToArray())"
    $status = if ($process.HasExited) { $process.ExitCode } else { $null }
    New-Answer -Status $status -Output $text -Over $over
}

Function Invoke-Cmdlet {
    # Runs one cmdlet, its parameters being values, for as long as there is time. Nobody can be asked there: a prompt is an error.
    param (
        [Parameter(Mandatory = $true)][String]$Name,
        [Parameter(Mandatory = $true)][Hashtable]$Parameters
    )

    if (-not $state.runspace) {
        $state.runspace = [System.Management.Automation.Runspaces.RunspaceFactory]::CreateRunspace()
        $state.runspace.Open()
    }
    $shell = [System.Management.Automation.PowerShell]::Create()
    $shell.Runspace = $state.runspace
    $null = $shell.AddCommand($Name).AddParameters($Parameters)
    $pending = $shell.BeginInvoke()
    if (-not $pending.AsyncWaitHandle.WaitOne((Get-Left))) {
        if (-not $shell.BeginStop($null, $null).AsyncWaitHandle.WaitOne($grace)) {
            $state.stuck = $true
            $state.bad = "hangs $PID"
        }
        return @{ rows = @(); over = $true; problem = 'it did not end in time'; missing = $false }
    }
    try {
        $rows = @($shell.EndInvoke($pending) | Where-Object -FilterScript { $null -ne $_ })
        @{ rows = $rows; over = $false; problem = ''; missing = $false }
    }
    catch {
        $cause = $_.Exception.GetBaseException()
        $missing = $cause -is [System.Management.Automation.CommandNotFoundException]
        @{ rows = @(); over = $false; problem = [String]$cause.Message; missing = $missing }
    }
    finally {
        if (-not $state.stuck) {
            $shell.Dispose()
        }
    }
}

Function Connect-Veeam {
    # Loads Veeam's cmdlets and connects to the backup server on this host as the user that runs this.
    $done = Invoke-Cmdlet -Name 'Import-Module' -Parameters @{ Name = 'Veeam.Backup.PowerShell'; DisableNameChecking = $true; ErrorAction = 'Stop' }
    if ($done.problem -and -not $done.over) {
        # Before version 11 there was a snap-in.
        $older = Invoke-Cmdlet -Name 'Add-PSSnapin' -Parameters @{ Name = 'VeeamPSSnapIn'; ErrorAction = 'Stop' }
        if ($older.problem) {
            return @{ over = $older.over; problem = "Veeam's PowerShell module cannot be loaded: $($done.problem)"; status = 127 }
        }
        $done = $older
    }
    if ($done.over) {
        return @{ over = $true; problem = "Veeam's PowerShell module was not loaded in time"; status = $null }
    }
    # Some versions connect by themselves, and none connects twice.
    $session = Invoke-Cmdlet -Name 'Get-VBRServerSession' -Parameters @{ ErrorAction = 'Stop' }
    if ($session.rows.Count -gt 0) {
        return @{ over = $false; problem = ''; status = 0 }
    }
    $done = Invoke-Cmdlet -Name 'Connect-VBRServer' -Parameters @{ ErrorAction = 'Stop' }
    @{ over = $done.over; problem = $done.problem; status = 1 }
}

Function Disconnect-Veeam {
    # Says goodbye; nobody has to wait for it for long.
    $state.until = $state.watch.ElapsedMilliseconds + $goodbye
    $null = Invoke-Cmdlet -Name 'Disconnect-VBRServer' -Parameters @{ ErrorAction = 'SilentlyContinue' }
}

Function Select-Drive {
    # Gives what is asked about of a drive of Veeam's: text, true and false, so that no version's numbers for names matter.
    param (
        [Parameter(Mandatory = $true)][Object]$From
    )

    $row = @{}
    foreach ($name in 'Id', 'Name', 'SerialNumber', 'State', 'LibraryId', 'Device', 'Address', 'Model', 'Enabled', 'IsLocked') {
        $property = $From.PSObject.Properties[$name]
        $value = if ($property) { $property.Value } else { $null }
        $row[$name] = if ($null -eq $value -or $value -is [Boolean]) { $value } else { [String]$value }
    }
    $row
}

Function Set-Drive {
    # Sets one drive of Veeam's, if it is the one that is meant and not in use; gives what became of it.
    param (
        [Parameter(Mandatory = $true)][String]$Name,
        [Parameter(Mandatory = $true)][AllowEmptyString()][String]$Word,
        [Parameter(Mandatory = $true)][AllowEmptyCollection()][Object[]]$Drives
    )

    $row = @{ drive = $Word; outcome = 'done'; message = '' }
    if (-not ($Word -match $address)) {
        $row.outcome = 'missing'
        $row.message = 'that is no drive'
        return $row
    }
    $serial = $Matches['serial']
    $wanted = $Matches['id']
    $found = @($Drives | Where-Object -FilterScript { [String]$_.Id -eq $wanted })
    if ($found.Count -ne 1) {
        $row.outcome = 'missing'
        $row.message = 'there is no such drive any more'
        return $row
    }
    $drive = $found[0]
    if ($serial -cne '-' -and ([String]$drive.SerialNumber).Trim() -cne $serial) {
        $row.outcome = 'missing'
        $row.message = "it shows the serial number $($drive.SerialNumber)"
        return $row
    }
    $goal = $cmdlets[$Name].wanted
    if ($drive.Enabled -eq $goal) {
        $row.outcome = 'already'
        return $row
    }
    if (-not $goal -and $drive.IsLocked) {
        # It was not when it was read: a job has begun since.
        $row.outcome = 'locked'
        $row.message = 'it is in use'
        return $row
    }
    $done = Invoke-Cmdlet -Name $Name -Parameters @{ Drive = $drive; Confirm = $false; ErrorAction = 'Stop' }
    if ($done.over) {
        $row.outcome = 'over'
    }
    elseif ($done.problem) {
        $row.outcome = 'failed'
    }
    $row.message = $done.problem
    $row
}

Function Invoke-Product {
    # Runs one of the cmdlets that are known here; the words behind it are drives.
    param (
        [Parameter(Mandatory = $true)][String]$Name,
        [AllowEmptyCollection()][String[]]$Words
    )

    $product = $cmdlets[$Name].product
    if (-not $state.loaded[$product]) {
        $ready = Connect-Veeam
        if ($ready.problem) {
            return New-Answer -Status $(if ($ready.over) { $null } else { $ready.status }) -Output $ready.problem -Over $ready.over
        }
        $state.loaded[$product] = $true
    }
    $shown = Invoke-Cmdlet -Name 'Get-VBRTapeDrive' -Parameters @{ ErrorAction = 'Stop' }
    if ($shown.over) {
        return New-Answer -Output $shown.problem -Over $true
    }
    if ($shown.problem) {
        return New-Answer -Status $(if ($shown.missing) { 127 } else { 1 }) -Output $shown.problem
    }
    $rows = New-Object -TypeName System.Collections.ArrayList
    $status = 0
    $over = $false
    if ($cmdlets[$Name].sets) {
        foreach ($word in $Words) {
            $row = Set-Drive -Name $Name -Word $word -Drives $shown.rows
            $null = $rows.Add($row)
            if ($row.outcome -notin 'done', 'already') {
                $status = 1
            }
            if ($row.outcome -eq 'over') {
                $over = $true
                break
            }
        }
    }
    else {
        foreach ($drive in $shown.rows) {
            $null = $rows.Add((Select-Drive -From $drive))
        }
    }
    # Not by a pipe: of one drive it would make no list.
    New-Answer -Status $status -Output (ConvertTo-Json -InputObject $rows.ToArray() -Compress -Depth 3) -Over $over
}

Function Test-Mine {
    # Is this word or line for all drives, or for one that is left? Without a list of drives all are.
    param (
        [Parameter(Mandatory = $true)][Object]$Part,
        [AllowNull()][Object]$Drives
    )

    -not $Part.drive -or $null -eq $Drives -or $Drives.Contains([String]$Part.drive)
}

Function Invoke-Words {
    # Runs a command without what is for other drives; not at all, if nothing is left of what is for drives.
    param (
        [Parameter(Mandatory = $true)][Object]$Command,
        [AllowNull()][Object]$Drives
    )

    $parts = @($Command.words) + @($Command.lines)
    $some = @($parts | Where-Object -FilterScript { $_.drive })
    $mine = @($some | Where-Object -FilterScript { Test-Mine -Part $_ -Drives $Drives })
    if ($null -ne $Drives -and ($Drives.Count -eq 0 -or ($some.Count -gt 0 -and $mine.Count -eq 0))) {
        return New-Answer
    }
    if ($state.stuck -or (Get-Left) -eq 0) {
        if (-not $state.stuck) {
            $state.bad = 'time'
        }
        return New-Answer -Over $true
    }
    $words = [String[]]@($Command.words | Where-Object -FilterScript { Test-Mine -Part $_ -Drives $Drives } | ForEach-Object -Process { [String]$_.text })
    $lines = [String[]]@($Command.lines | Where-Object -FilterScript { Test-Mine -Part $_ -Drives $Drives } | ForEach-Object -Process { [String]$_.text })
    if ($cmdlets.ContainsKey($words[0])) {
        $done = Invoke-Product -Name $words[0] -Words ([String[]]@($words | Select-Object -Skip 1))
    }
    else {
        $done = Invoke-Program -Words $words -Lines $lines
    }
    if ($done.timed_out -and -not $state.stuck) {
        $state.bad = 'time'
    }
    $done
}

Function Test-Fit {
    # Is the record as it was read, and the step not overtaken? Gives the outcome, or nothing.
    param (
        [Parameter(Mandatory = $true)][Object]$Drive,
        [Parameter(Mandatory = $true)][Boolean]$Late
    )

    $text = Get-Record -Path "$directory\$($Drive.file)"
    # A text that was given without a stamp fits any.
    $bare = $text -creplace ' #[^#]*\z', ''
    $expected = [String]$Drive.expected
    if ([String]::CompareOrdinal($text, $expected) -eq 0 -or [String]::CompareOrdinal($bare, $expected) -eq 0) {
        if ($Late) {
            return 'late'
        }
        return ''
    }
    if ($text -cmatch '\A=(?<number>[0-9]{20}) ' -and [String]::CompareOrdinal($Matches['number'], [String]$Drive.sequence) -gt 0) {
        return 'superseded'
    }
    'changed'
}

Function Invoke-Unit {
    # Locks, compares, looks at the clock, writes the intents, runs, writes the last records, unlocks.
    param (
        [Parameter(Mandatory = $true)][Object]$Unit
    )

    $began = $state.watch.ElapsedMilliseconds
    $state.until = $began + 1000 * $request.seconds
    $state.bad = ''
    $became = @{}
    $locks = New-Object -TypeName System.Collections.ArrayList
    $left = New-Object -TypeName System.Collections.ArrayList
    $commands = New-Object -TypeName System.Collections.ArrayList
    $queries = New-Object -TypeName System.Collections.ArrayList
    # Programs that are started inherit the locks: one that outlives this process keeps them.
    $programs = @(@($Unit.commands) + @($Unit.queries) | Where-Object -FilterScript { $_ -and -not $cmdlets.ContainsKey([String]@($_.words)[0].text) })
    try {
        $locked = @(foreach ($drive in $Unit.drives) {
                $lock = Get-Lock -File $drive.file -Began $began -Inherited ($programs.Count -gt 0)
                if ($lock.stream) {
                    $null = $locks.Add($lock.stream)
                    $drive
                }
                else {
                    $became[$drive.drive] = @{ outcome = $lock.outcome; detail = $lock.detail }
                }
            })
        $now = Get-Clock
        $late = $request.deadline -ne '' -and $now -gt [Int64]$request.deadline
        $mine = @(foreach ($drive in $locked) {
                $outcome = Test-Fit -Drive $drive -Late $late
                if ($outcome) {
                    $became[$drive.drive] = @{ outcome = $outcome; detail = if ($outcome -eq 'late') { [String]$now } else { '' } }
                }
                else {
                    $problem = if ($drive.intent) { Set-Record -File $drive.file -Text $drive.intent } else { '' }
                    if ($problem) {
                        $became[$drive.drive] = @{ outcome = 'unwritable'; detail = $problem }
                    }
                    else {
                        $null = $left.Add([String]$drive.drive)
                        $drive
                    }
                }
            })
        foreach ($command in $Unit.commands) {
            $null = $commands.Add((Invoke-Words -Command $command -Drives $left))
        }
        foreach ($query in $Unit.queries) {
            $null = $queries.Add((Invoke-Words -Command $query -Drives $left))
        }
        foreach ($drive in $mine) {
            $problem = ''
            if (-not $state.bad -and $drive.done) {
                $problem = Set-Record -File $drive.file -Text $drive.done
            }
            if ($state.bad) {
                $became[$drive.drive] = @{ outcome = 'unfinished'; detail = $state.bad }
            }
            elseif ($problem) {
                $became[$drive.drive] = @{ outcome = 'unfinished'; detail = "record $problem" }
            }
            else {
                $became[$drive.drive] = @{ outcome = 'done'; detail = '' }
            }
        }
    }
    finally {
        # What cannot be stopped may still act on the drives: the locks end with this process.
        if (-not $state.stuck) {
            foreach ($stream in $locks) {
                $stream.Dispose()
            }
        }
    }
    $drives = @(foreach ($name in $became.Keys) {
            @{ drive = $name; outcome = $became[$name].outcome; detail = $became[$name].detail }
        })
    @{ drives = $drives; commands = $commands.ToArray(); queries = $queries.ToArray() }
}

Function Read-All {
    # Gives the records that are asked for, and then the answers of the queries.
    $answer.clock = Get-Clock
    # The record first, then the lock: a step whose intent was read here is either still seen at work, or it is over.
    $answer.records = @(foreach ($drive in $request.drives) {
            $text = Get-Record -Path "$directory\$($drive.file)"
            @{ drive = $drive.drive; busy = Get-Holder -Path "$directory\.lock\$($drive.file)"; text = $text }
        })
    $answer.answers = @(foreach ($query in $request.queries) {
            $state.until = $state.watch.ElapsedMilliseconds + 1000 * $request.seconds
            Invoke-Words -Command $query -Drives $null
        })
}

Function Read-List {
    # Gives all records of all instances; a file that is too large for one is none.
    try {
        $answer.listed = @(foreach ($place in [System.IO.Directory]::GetDirectories($root)) {
                foreach ($file in [System.IO.Directory]::GetFiles($place)) {
                    $large = (New-Object -TypeName System.IO.FileInfo -ArgumentList $file).Length -gt $mostRecord
                    $text = if ($large) { '?' } else { Get-Record -Path $file }
                    if ($text -cne '-') {
                        @{ instance = [System.IO.Path]::GetFileName($place); drive = [System.IO.Path]::GetFileName($file); text = $text }
                    }
                }
            })
    }
    catch {
        $cause = $_.Exception.GetBaseException()
        # Where the directory is missing there are no records.
        if (-not (Test-Missing -Cause $cause)) {
            $answer.problem = [String]$cause.Message
        }
    }
}

Function Set-All {
    # Does the units one after the other.
    try {
        New-Place
    }
    catch {
        # Nothing was done yet. What goes wrong later has no such answer, so that it is not taken for that.
        $answer.problem = [String]$_.Exception.GetBaseException().Message
        return
    }
    $answer.units = @(foreach ($unit in $request.units) {
            if (-not $state.stuck) {
                $answer.changed = $true
                Invoke-Unit -Unit $unit
            }
        })
}

switch -CaseSensitive ($request.action) {
    'read' { Read-All }
    'set' { Set-All }
    'list' { Read-List }
    default { Fail-Json -obj @{} -message "the module does not know the action $($request.action)" }
}
if ($state.loaded.Count -and -not $state.stuck) {
    Disconnect-Veeam
}
if ($state.runspace -and -not $state.stuck) {
    $state.runspace.CloseAsync()
}

Exit-Json -obj $answer
