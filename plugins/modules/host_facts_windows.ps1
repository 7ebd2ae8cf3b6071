#!powershell

# Copyright (c) 2026 Tapeworks maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# It takes no arguments, so the older of Ansible's two helpers is enough; with Ansible.Basic, "ansible-test sanity" ends with an error
# wherever there is no PowerShell.
#Requires -Module Ansible.ModuleUtils.Legacy

# Asks, and gives what it was told as it is; plugins/plugin_utils/_platforms/windows.py makes sense of it.
# No tape drive is opened: Windows lets one program open it, and a backup that starts at that moment would fail.

$null = Parse-Args -arguments $args -supports_check_mode $true

# Seconds that WMI has for one question, how many values are read below one key of the registry, and how deep.
$patience = 10
$most = 20000
$deepest = 4

$answers = @{}

Function Add-Answer {
    # Keeps the rows that a question gave, or why it gave none. Rows before an error are kept too.
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)][String]$Name,
        [Parameter(Mandatory = $true)][ScriptBlock]$Question
    )

    $rows = New-Object -TypeName System.Collections.ArrayList
    $problem = $null
    try {
        & $Question | ForEach-Object -Process { $null = $rows.Add($_) }
    }
    catch {
        $native = $_.Exception.PSObject.Properties['NativeErrorCode']
        $problem = @{
            category = [String]$_.CategoryInfo.Category
            code = if ($native) { [String]$native.Value } else { [String]$_.Exception.GetType().Name }
            message = [String]$_.Exception.Message
        }
    }
    $answers[$Name] = @{ rows = $rows.ToArray(); problem = $problem }
}

Function Get-Instance {
    # Asks WMI, and does not wait for it forever.
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)][String]$Class,
        [String]$Namespace = 'root/cimv2',
        [String]$Filter
    )

    $arguments = @{
        Namespace = $Namespace
        ClassName = $Class
        OperationTimeoutSec = $patience
        ErrorAction = 'Stop'
    }
    if ($Filter) {
        $arguments.Filter = $Filter
    }
    Get-CimInstance @arguments
}

Function ConvertTo-Plain {
    # Gives a value as text, or as a list of texts; bytes as two digits each, so that no zero is lost.
    [CmdletBinding()]
    param (
        [AllowNull()][Object]$Value
    )

    if ($null -eq $Value) {
        return $null
    }
    if ($Value -is [Byte[]]) {
        return [BitConverter]::ToString($Value)
    }
    if ($Value -is [Array]) {
        return , @($Value | ForEach-Object -Process { [String]$_ })
    }
    [String]$Value
}

Function Select-Plain {
    # Gives some properties of an object, as ConvertTo-Plain does.
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)][Object]$From,
        [Parameter(Mandatory = $true)][String[]]$Name
    )

    $row = @{}
    foreach ($each in $Name) {
        $property = $From.PSObject.Properties[$each]
        $row[$each] = if ($property) { ConvertTo-Plain -Value $property.Value } else { $null }
    }
    $row
}

Function Get-Value {
    # Gives all values below a key of the registry, each with the way to its key.
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)][Microsoft.Win32.RegistryKey]$Key,
        [String]$Way = '',
        [Int32]$Depth = 0
    )

    foreach ($name in $Key.GetValueNames()) {
        @{
            key = $Way
            name = $name
            value = ConvertTo-Plain -Value $Key.GetValue($name)
        }
    }
    if ($Depth -ge $deepest) {
        return
    }
    foreach ($name in $Key.GetSubKeyNames()) {
        $child = $Key.OpenSubKey($name)
        if ($child) {
            try {
                Get-Value -Key $child -Way "$Way\$name" -Depth ($Depth + 1)
            }
            finally {
                $child.Close()
            }
        }
    }
}

Function Get-Below {
    # Gives the values below a key of HKEY_LOCAL_MACHINE; none if it is not there.
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)][String]$Path
    )

    $key = [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey($Path)
    if ($key) {
        try {
            Get-Value -Key $key -Way $Path | Select-Object -First $most
        }
        finally {
            $key.Close()
        }
    }
}

# Host adapters' ports. What the cmdlet Get-InitiatorPort shows, but with a time limit.
Add-Answer -Name 'initiator_ports' -Question {
    $names = 'InstanceName', 'NodeAddress', 'PortAddress', 'ConnectionType', 'OperationalStatus'
    Get-Instance -Namespace 'root/Microsoft/Windows/Storage' -Class 'MSFT_InitiatorPort' |
        ForEach-Object -Process { Select-Plain -From $_ -Name $names }
}

# The same and their states, of adapters whose driver has the HBA interface of WMI.
Add-Answer -Name 'fc_ports' -Question {
    Get-Instance -Namespace 'root/wmi' -Class 'MSFC_FibrePortHBAAttributes' | ForEach-Object -Process {
        $row = Select-Plain -From $_.Attributes -Name 'PortWWN', 'NodeWWN', 'PortState', 'PortType'
        $row.InstanceName = [String]$_.InstanceName
        $row
    }
}

Add-Answer -Name 'iscsi_initiator' -Question {
    Get-Instance -Namespace 'root/wmi' -Class 'MSiSCSIInitiator_MethodClass' |
        ForEach-Object -Process { Select-Plain -From $_ -Name 'iSCSINodeName' }
}

# Tape drives that have a driver, and the adapter that each is connected to.
Add-Answer -Name 'tape_drives' -Question {
    $names = 'Name', 'Caption', 'Manufacturer', 'DeviceID', 'PNPDeviceID', 'Status'
    Get-Instance -Class 'Win32_TapeDrive' | ForEach-Object -Process {
        $row = Select-Plain -From $_ -Name $names
        $row.Location = $null
        $key = [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey("SYSTEM\CurrentControlSet\Enum\$($row.PNPDeviceID)")
        if ($key) {
            $row.Location = ConvertTo-Plain -Value $key.GetValue('LocationInformation')
            $key.Close()
        }
        $row.Parent = $null
        try {
            $id = ([String]$row.PNPDeviceID).Replace('\', '\\').Replace("'", "\'")
            $entity = Get-Instance -Class 'Win32_PnPEntity' -Filter "DeviceID='$id'"
            $arguments = @{
                InputObject = $entity
                MethodName = 'GetDeviceProperties'
                Arguments = @{ devicePropertyKeys = [String[]]@('DEVPKEY_Device_Parent') }
                OperationTimeoutSec = $patience
                ErrorAction = 'Stop'
            }
            $row.Parent = ConvertTo-Plain -Value (Invoke-CimMethod @arguments).deviceProperties[0].Data
        }
        catch {
            # Windows before Server 2016 has no such method: the drive's port stays unknown.
            $row.ParentProblem = [String]$_.Exception.Message
        }
        $row
    }
}

# What the port driver learned of each unit when it found it: among others VPD pages 80h and 83h.
Add-Answer -Name 'scsi_map' -Question { Get-Below -Path 'HARDWARE\DEVICEMAP\Scsi' }

# Persistent names of IBM's driver.
Add-Answer -Name 'persistent_names' -Question {
    foreach ($service in 'ibmtpbs', 'ibmtpbs2k16', 'ibmtpbs2k12', 'ibmtpbs2k8') {
        Get-Below -Path "SYSTEM\CurrentControlSet\Services\$service"
    }
}

Add-Answer -Name 'addresses' -Question {
    Get-Instance -Class 'Win32_NetworkAdapterConfiguration' -Filter 'IPEnabled=TRUE' |
        ForEach-Object -Process { Select-Plain -From $_ -Name 'Description', 'IPAddress' }
}

Exit-Json -obj @{
    changed = $false
    version = 1
    answers = $answers
}
