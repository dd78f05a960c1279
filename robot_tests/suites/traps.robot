*** Settings ***
Documentation       A program that goes wrong ends; the board goes on.
Resource            ${KEYWORDS}
Suite Setup         Start Board
Suite Teardown      Stop Board
Test Teardown       Save Console
Test Tags           irq    needs-link


*** Test Cases ***
A Trap In A Handler Ends The App And Names The Source
    Load Program    trapping
    Start App
    Wait For Line On Uart    computing
    Raise Irq    soft0
    Trap Should Be    TRAP_UNREACHABLE    source=soft0
    The Board Should Be Usable

A Handler That Reaches Beyond Its Memory Ends The App
    Load Program    trapping
    Start App
    Wait For Line On Uart    computing
    Raise Irq    button
    Trap Should Be    TRAP_MEMORY    source=button
    The Board Should Be Usable

A Module That Is No Module Is Refused
    Put File    not a module at all
    Instantiating Should Fail With    BAD_MAGIC
    The Board Should Be Usable


*** Keywords ***
The Board Should Be Usable
    Prompt Should Come
    Load Program    forced
    Start App
    Wait For Line On Uart    3245 primes, checksum 2092706092
    Result Should Be    0
